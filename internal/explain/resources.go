package explain

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// The gates of what a namespace still has for the pod: LimitRanges and quotas.

// pcpContainers are the containers that the injector adds.
func pcpContainers(pod *corev1.Pod) []corev1.Container {
	all := slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers)
	return slices.DeleteFunc(all, func(c corev1.Container) bool {
		return c.Name != mutate.ContainerName && c.Name != mutate.InitContainerName
	})
}

func (q *inquiry) limitsGate(context.Context) finding {
	switch {
	case q.Ranges.Err != nil:
		return unknown("%s", q.Ranges.Unseen())
	case q.injected == nil:
		return unknown("not examined, because the pod would not be injected")
	case len(q.Ranges.Value) == 0:
		return passed("namespace %s has no LimitRange", q.Subject.Namespace)
	}
	pod, err := q.typedPod()
	if err != nil {
		return unknown("unknown, because the pod cannot be read: %v", err)
	}
	for n := range q.Ranges.Value {
		for m := range q.Ranges.Value[n].Spec.Limits {
			item := &q.Ranges.Value[n].Spec.Limits[m]
			if item.Type != corev1.LimitTypeContainer {
				continue
			}
			for _, container := range pcpContainers(pod) {
				if problem := exceeds(item, &container); problem != "" {
					return failed(q.raise(&q.Ranges.Value[n], m), "LimitRange %s: container %s: %s", q.Ranges.Value[n].Name, container.Name, problem)
				}
			}
		}
	}
	return passed("the LimitRanges leave room for PCP's container")
}

// exceeds says why a container does not fit, after the defaults were filled in.
func exceeds(item *corev1.LimitRangeItem, container *corev1.Container) string {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request, requested := container.Resources.Requests[name]
		limit, limited := container.Resources.Limits[name]
		if !limited {
			limit, limited = item.Default[name]
		}
		least, hasLeast := item.Min[name]
		most, hasMost := item.Max[name]
		switch {
		case requested && limited && request.Cmp(limit) > 0:
			return fmt.Sprintf("the default %s limit %s is below PCP's request of %s", name, limit.String(), request.String())
		case requested && hasLeast && request.Cmp(least) < 0:
			return fmt.Sprintf("PCP's %s request of %s is below the minimum %s", name, request.String(), least.String())
		case requested && hasMost && request.Cmp(most) > 0:
			return fmt.Sprintf("PCP's %s request of %s is above the maximum %s", name, request.String(), most.String())
		}
	}
	return ""
}

// raise makes room in one item of a LimitRange.
func (q *inquiry) raise(limits *corev1.LimitRange, item int) *remedy.Remedy {
	requests := q.config.Container.Resources.Requests
	var patches []operation
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		request := requests[name]
		for field, list := range map[string]corev1.ResourceList{
			"default": limits.Spec.Limits[item].Default, "max": limits.Spec.Limits[item].Max,
		} {
			if amount, present := list[name]; present && amount.Cmp(request) < 0 {
				patches = append(patches, replace(item, field, name, request))
			}
		}
		if amount, present := limits.Spec.Limits[item].Min[name]; present && amount.Cmp(request) > 0 {
			patches = append(patches, replace(item, "min", name, request))
		}
	}
	slices.SortFunc(patches, func(a, b operation) int { return cmp.Compare(a.Path, b.Path) })
	return remedy.RaiseLimits.With(q.here(), remedy.Name.Is(limits.Name), patched(patches))
}

// operation of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

func replace(item int, field string, name corev1.ResourceName, amount resource.Quantity) operation {
	return operation{"replace", fmt.Sprintf("/spec/limits/%d/%s/%s", item, field, name), amount.String()}
}

// amounts of a container: its own, or otherwise the defaults of the LimitRanges. A limit alone is also the request.
func (q *inquiry) amounts(container *corev1.Container, name corev1.ResourceName) (request, limit resource.Quantity) {
	limit, limited := container.Resources.Limits[name]
	request, requested := container.Resources.Requests[name]
	for _, item := range q.containerDefaults() {
		if amount, present := item.Default[name]; present && !limited {
			limit, limited = amount, true
		}
		if amount, present := item.DefaultRequest[name]; present && !requested {
			request, requested = amount, true
		}
	}
	if !requested {
		request = limit
	}
	return request, limit
}

// containerDefaults are the items of all LimitRanges that are about containers.
func (q *inquiry) containerDefaults() []corev1.LimitRangeItem {
	var items []corev1.LimitRangeItem
	for n := range q.Ranges.Value {
		for _, item := range q.Ranges.Value[n].Spec.Limits {
			if item.Type == corev1.LimitTypeContainer {
				items = append(items, item)
			}
		}
	}
	return items
}

func add(total corev1.ResourceList, name string, amount resource.Quantity) {
	sum := total[corev1.ResourceName(name)]
	sum.Add(amount)
	total[corev1.ResourceName(name)] = sum
}

// shortage are the amounts that the quota cannot give; nil if it can. What the subject's own pods use is free again when they are replaced.
func (q *inquiry) shortage(quota *corev1.ResourceQuota, wanted corev1.ResourceList) *finding {
	freed := corev1.ResourceList{}
	for n := range q.Pods.Value {
		if !counts(quota, &q.Pods.Value[n]) {
			continue
		}
		for name, amount := range q.withDefaults(&q.Pods.Value[n]) {
			add(freed, string(name), amount)
		}
	}
	var short []string
	raised := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		hard, constrained := quota.Status.Hard[name]
		if !constrained {
			hard, constrained = quota.Spec.Hard[name]
		}
		if !constrained {
			continue
		}
		need := quota.Status.Used[name].DeepCopy()
		need.Sub(freed[name])
		need.Add(wanted[name])
		if need.Cmp(hard) > 0 {
			amount := wanted[name]
			short = append(short, fmt.Sprintf("%s: the pod with PCP needs %s, in all %s of %s", name, amount.String(), need.String(), hard.String()))
			raised[string(name)] = need.String()
		}
	}
	if len(short) == 0 {
		return nil
	}
	raise := remedy.RaiseQuota.With(q.here(), remedy.Name.Is(quota.Name), patched(map[string]any{"spec": map[string]any{"hard": raised}}))
	found := failed(raise, "ResourceQuota %s: %s", quota.Name, strings.Join(short, "; "))
	return &found
}

// states reports whether the container has the amount, perhaps by a LimitRange's default.
func (q *inquiry) states(container *corev1.Container, list string, name corev1.ResourceName) bool {
	amounts := container.Resources.Limits
	_, limited := amounts[name]
	if list == "requests" {
		amounts = container.Resources.Requests
	}
	if _, present := amounts[name]; present || list == "requests" && limited {
		return true
	}
	return slices.ContainsFunc(q.containerDefaults(), func(item corev1.LimitRangeItem) bool {
		_, byLimit := item.Default[name]
		_, byRequest := item.DefaultRequest[name]
		return byLimit || list == "requests" && byRequest
	})
}

// suggestions are amounts that are enough for PCP.
var suggestions = map[string]string{"limits.cpu": "1", "limits.memory": "512Mi", "requests.cpu": "50m", "requests.memory": "128Mi"}

func (q *inquiry) state(container, list, name string) *remedy.Remedy {
	key := list + "." + name
	if container == mutate.ContainerName {
		return remedy.LimitPCP.With(append(q.release(), remedy.Key.Is(key), remedy.Amount.Is(suggestions[key]))...)
	}
	if q.Subject.IsPod() {
		return remedy.SetInPod.With(remedy.Prose.Is(key + " of container " + container))
	}
	if !q.Subject.Stored {
		return remedy.SetInFile.With(remedy.File.Is(q.Subject.File), remedy.Prose.Is(key+" of container "+container))
	}
	return remedy.SetResources.With(q.here(), q.owner(), remedy.Container.Is(container), remedy.Key.Is(list), remedy.Resource.Is(name)).NotBefore(adapts)
}

// claimsGate looks for the claims that the pod with PCP mounts.
func (q *inquiry) claimsGate(context.Context) finding {
	switch {
	case q.config == nil:
		return unknown("unknown, because the injector's configuration is unknown")
	case q.Claims.Err != nil:
		return unknown("%s", q.Claims.Unseen())
	}
	var seen []string
	for _, volume := range []config.Volume{q.config.Persistence.PMLogger.Volume, q.config.Persistence.PMProxy} {
		if volume.Type != config.VolumePersistentVolumeClaim {
			continue
		}
		if found := q.claim(&volume); found.result != gate.Passed {
			return found
		}
		seen = append(seen, volume.ClaimName)
	}
	if len(seen) == 0 {
		return passed("PCP uses no claim that has to exist")
	}
	return passed("%s can be mounted", strings.Join(seen, " and "))
}

func (q *inquiry) claim(volume *config.Volume) finding {
	index := slices.IndexFunc(q.Claims.Value, func(claim corev1.PersistentVolumeClaim) bool { return claim.Name == volume.ClaimName })
	if index < 0 {
		return failed(remedy.RestoreClaim.With(q.release()...), "PersistentVolumeClaim %s does not exist in namespace %s", volume.ClaimName, q.Subject.Namespace)
	}
	claim := &q.Claims.Value[index]
	switch claim.Status.Phase {
	case corev1.ClaimBound:
		if modes := claim.Spec.AccessModes; len(modes) > 0 && !slices.ContainsFunc(modes, writable) {
			return failed(q.replaceClaim(claim, "a claim's access modes cannot change, so save its data first"),
				"PersistentVolumeClaim %s can only be read: its access modes are %v", claim.Name, modes)
		}
		return passed("%s is bound", claim.Name)
	case corev1.ClaimLost:
		return failed(q.replaceClaim(claim, "its data is lost"), "PersistentVolumeClaim %s has lost its volume %s", claim.Name, claim.Spec.VolumeName)
	default:
		return q.pending(claim)
	}
}

func writable(mode corev1.PersistentVolumeAccessMode) bool { return mode != corev1.ReadOnlyMany }

func (q *inquiry) replaceClaim(claim *corev1.PersistentVolumeClaim, why string) *remedy.Remedy {
	return remedy.ReplaceClaim.With(append(q.release(), remedy.Prose.Is(why), remedy.TargetIn.Is(q.Subject.Namespace), remedy.TargetName.Is(claim.Name))...)
}

// pending distinguishes a claim that waits for its first pod from one that waits in vain.
func (q *inquiry) pending(claim *corev1.PersistentVolumeClaim) finding {
	if q.Classes.Err != nil {
		return unknown("%s", q.Classes.Unseen())
	}
	if claim.Spec.VolumeName != "" {
		return failed(q.replaceClaim(claim, "it holds no data yet"),
			"PersistentVolumeClaim %s is pending: volume %s is not available", claim.Name, claim.Spec.VolumeName)
	}
	if claim.Spec.StorageClassName == nil || *claim.Spec.StorageClassName == "" {
		return failed(remedy.ProvideVolume.With(),
			"PersistentVolumeClaim %s is pending: it names no StorageClass, and no volume fits", claim.Name)
	}
	name := *claim.Spec.StorageClassName
	for n := range q.Classes.Value {
		class := &q.Classes.Value[n]
		if class.Name != name {
			continue
		}
		if class.VolumeBindingMode != nil && *class.VolumeBindingMode == "WaitForFirstConsumer" {
			return passed("%s waits for its first pod", claim.Name)
		}
		return failed(remedy.WhyNoVolume.With(q.here(), remedy.Name.Is(claim.Name)),
			"PersistentVolumeClaim %s is pending: StorageClass %s has created no volume", claim.Name, name)
	}
	return failed(q.replaceClaim(claim, "it holds no data yet, and needs a StorageClass that exists"),
		"PersistentVolumeClaim %s is pending: StorageClass %s does not exist", claim.Name, name)
}
