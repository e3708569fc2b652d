package explain

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// The gate of the ResourceQuotas, which judges the next pod, whether or not one runs.

func (q *inquiry) quotaGate(context.Context) finding {
	switch {
	case q.Quotas.Err != nil:
		return unknown("%s", q.Quotas.Unseen())
	case q.injected == nil:
		return unknown("not examined, because the pod would not be injected")
	case len(q.Quotas.Value) == 0:
		return passed("namespace %s has no ResourceQuota", q.Subject.Namespace)
	}
	pod, err := q.typedPod()
	if err != nil {
		return unknown("unknown, because the pod cannot be read: %v", err)
	}
	violations := q.violations(pod)
	if len(violations) == 0 {
		return passed("the ResourceQuotas leave room for the pod with PCP")
	}
	q.further = violations[1:]
	return violations[0]
}

// violations are those of all quotas. A pod has to satisfy each of them.
func (q *inquiry) violations(pod *corev1.Pod) []finding {
	var violations []finding
	wanted := q.withDefaults(pod)
	for n := range q.Quotas.Value {
		quota := &q.Quotas.Value[n]
		if !counts(quota, pod) {
			continue
		}
		if found := q.shortage(quota, wanted); found != nil {
			violations = append(violations, *found)
		}
		violations = append(violations, q.unstated(quota, pod)...)
	}
	return violations
}

// unstated finds containers without an amount that the quota requires of each. PCP's has no limits by default.
func (q *inquiry) unstated(quota *corev1.ResourceQuota, pod *corev1.Pod) []finding {
	var found []finding
	for _, name := range []corev1.ResourceName{"requests.cpu", "requests.memory", "limits.cpu", "limits.memory"} {
		if _, constrained := quota.Spec.Hard[name]; !constrained {
			continue
		}
		list, resourceName, _ := strings.Cut(string(name), ".")
		for _, container := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
			if !q.states(&container, list, corev1.ResourceName(resourceName)) {
				found = append(found, failed(q.state(container.Name, list, resourceName),
					"ResourceQuota %s requires %s for each container, and container %s has none", quota.Name, name, container.Name))
			}
		}
	}
	return found
}

// withDefaults are the pod's amounts after the LimitRanges' defaults, by the names that quotas use.
func (q *inquiry) withDefaults(pod *corev1.Pod) corev1.ResourceList {
	one := resource.MustParse("1")
	total := corev1.ResourceList{corev1.ResourcePods: one, "count/pods": one}
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory, corev1.ResourceEphemeralStorage} {
		request, limit := q.needs(pod, name)
		add(total, "requests."+string(name), request)
		add(total, "limits."+string(name), limit)
		add(total, string(name), request)
	}
	return total
}

// needs are what a pod needs of a resource: what all containers need that run side by side, or an init container beside the sidecars that
// started before it, if that is more.
func (q *inquiry) needs(pod *corev1.Pod, name corev1.ResourceName) (request, limit resource.Quantity) {
	var started, startedLimit, most, mostLimit resource.Quantity
	for n := range pod.Spec.InitContainers {
		container := &pod.Spec.InitContainers[n]
		needed, limited := q.amounts(container, name)
		needed.Add(started)
		limited.Add(startedLimit)
		if container.RestartPolicy != nil && *container.RestartPolicy == corev1.ContainerRestartPolicyAlways {
			started, startedLimit = needed.DeepCopy(), limited.DeepCopy()
		}
		most, mostLimit = larger(most, needed), larger(mostLimit, limited)
	}
	request, limit = started, startedLimit
	for n := range pod.Spec.Containers {
		needed, limited := q.amounts(&pod.Spec.Containers[n], name)
		request.Add(needed)
		limit.Add(limited)
	}
	request, limit = larger(request, most), larger(limit, mostLimit)
	request.Add(pod.Spec.Overhead[name])
	return request, limit
}

func larger(a, b resource.Quantity) resource.Quantity {
	if a.Cmp(b) < 0 {
		return b
	}
	return a
}

// counts reports whether a quota counts the pod. Its scopes narrow it to certain pods.
func counts(quota *corev1.ResourceQuota, pod *corev1.Pod) bool {
	for _, scope := range quota.Spec.Scopes {
		if !inScope(&corev1.ScopedResourceSelectorRequirement{ScopeName: scope, Operator: corev1.ScopeSelectorOpExists}, pod) {
			return false
		}
	}
	if quota.Spec.ScopeSelector != nil {
		for n := range quota.Spec.ScopeSelector.MatchExpressions {
			if !inScope(&quota.Spec.ScopeSelector.MatchExpressions[n], pod) {
				return false
			}
		}
	}
	return true
}

func inScope(scope *corev1.ScopedResourceSelectorRequirement, pod *corev1.Pod) bool {
	switch scope.ScopeName {
	case corev1.ResourceQuotaScopeTerminating:
		return pod.Spec.ActiveDeadlineSeconds != nil
	case corev1.ResourceQuotaScopeNotTerminating:
		return pod.Spec.ActiveDeadlineSeconds == nil
	case corev1.ResourceQuotaScopeBestEffort:
		return isBestEffort(pod)
	case corev1.ResourceQuotaScopeNotBestEffort:
		return !isBestEffort(pod)
	case corev1.ResourceQuotaScopePriorityClass:
		return inPriority(scope, pod.Spec.PriorityClassName)
	case corev1.ResourceQuotaScopeCrossNamespacePodAffinity, corev1.ResourceQuotaScopeVolumeAttributesClass:
	}
	return false // the affinity of the pod to those of other namespaces is left to the API server; other scopes count no pods
}

func isBestEffort(pod *corev1.Pod) bool {
	return !slices.ContainsFunc(slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers), func(c corev1.Container) bool {
		return len(c.Resources.Requests)+len(c.Resources.Limits) > 0
	})
}

func inPriority(scope *corev1.ScopedResourceSelectorRequirement, class string) bool {
	switch scope.Operator {
	case corev1.ScopeSelectorOpIn:
		return slices.Contains(scope.Values, class)
	case corev1.ScopeSelectorOpNotIn:
		return !slices.Contains(scope.Values, class)
	case corev1.ScopeSelectorOpExists:
		return class != ""
	case corev1.ScopeSelectorOpDoesNotExist:
		return class == ""
	}
	return false
}
