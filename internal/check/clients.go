package check

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Those who are too many.
const (
	everyone = "everyone who can reach the pod"
	everyPod = "every pod of the cluster"
)

// clients judges who can connect to PCP in the live pods, or in the first one that there will be.
func (i *inspection) clients() gate.Gate {
	const name = "clients"
	cfg := i.Live.Value.Config
	switch {
	case i.Networks.Unseen() != "":
		return unknown(name, "%s", i.Networks.Unseen())
	case cfg == nil:
		return unknown(name, "unknown, because the configuration is not known")
	}
	pods := []*unstructured.Unstructured{{Object: map[string]any{"metadata": map[string]any{"labels": map[string]any{mutate.LabelInjected: "true"}}}}}
	if len(i.Live.Value.Pods) > 0 {
		pods = nil
	}
	for n := range i.Live.Value.Pods {
		pods = append(pods, i.Live.Value.Pods[n].Pod)
	}
	var found []string
	for _, pod := range pods {
		found = append(found, clientsOf(cfg, pod, i.Networks.Value)...)
	}
	slices.Sort(found)
	words := inWords(slices.Compact(found))
	if tooMany(found) {
		return warning(name, i.isolate(pods), "pmcd and pmproxy have no authentication, and can be read by: %s", words)
	}
	return passed(name, "pmcd and pmproxy can be read by: %s", words)
}

// isolate restores the chart's NetworkPolicy, and shows the others. It is deleted first if somebody has opened it; else PCP would be open to
// everyone until it is back.
func (i *inspection) isolate(pods []*unstructured.Unstructured) *remedy.Remedy {
	if i.Injector == nil {
		return remedy.LookAtNetworks.With(remedy.TargetIn.Is(i.Subject.Namespace))
	}
	values := i.ofRelease(remedy.TargetIn.Is(i.Subject.Namespace))
	for n := range i.Networks.Value {
		policy := &i.Networks.Value[n]
		if policy.Labels[snapshot.InstanceLabel] != i.Injector.Release().Name {
			continue
		}
		opens := func(pod *unstructured.Unstructured) bool {
			return isolates(&policy.Spec, pod.GetLabels()) && tooMany(admitted([]networkingv1.NetworkPolicy{*policy}, pod.GetLabels()))
		}
		if slices.ContainsFunc(pods, opens) {
			return remedy.ReplaceNetworkPolicy.With(append(values, remedy.TargetName.Is(policy.Name))...)
		}
	}
	return remedy.RestoreNetworkPolicy.With(values...)
}

// clientsOf a pod, which has the node's network by the configuration or its own.
func clientsOf(cfg *config.InjectorConfig, pod *unstructured.Unstructured, policies []networkingv1.NetworkPolicy) []string {
	hostNetwork, _, _ := unstructured.NestedBool(pod.Object, "spec", "hostNetwork")
	hostNetwork = hostNetwork || cfg.HostMonitoring.HostNetwork
	switch {
	case cfg.Container.Listen.OnLoopback(hostNetwork):
		return nil
	case hostNetwork:
		return []string{everyone}
	}
	return admitted(policies, pod.GetLabels())
}

// admitted says in words whom the NetworkPolicies of a namespace let connect to pmcd and pmproxy in a pod with the labels: nobody, if it says
// nothing. NetworkPolicies add up.
func admitted(policies []networkingv1.NetworkPolicy, pod map[string]string) []string {
	isolated := false
	var found []string
	for n := range policies {
		policy := &policies[n]
		if !isolates(&policy.Spec, pod) {
			continue
		}
		isolated = true
		for _, rule := range policy.Spec.Ingress {
			if slices.ContainsFunc(rule.Ports, opensPCP) || len(rule.Ports) == 0 {
				found = append(found, peers(rule.From, policy.Namespace)...)
			}
		}
	}
	if !isolated {
		return []string{everyone}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

func isolates(spec *networkingv1.NetworkPolicySpec, pod map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(&spec.PodSelector)
	ingress := len(spec.PolicyTypes) == 0 || slices.Contains(spec.PolicyTypes, networkingv1.PolicyTypeIngress)
	return err == nil && ingress && selector.Matches(labels.Set(pod))
}

func opensPCP(port networkingv1.NetworkPolicyPort) bool {
	if port.Protocol != nil && *port.Protocol != corev1.ProtocolTCP {
		return false
	}
	if port.Port == nil {
		return true
	}
	if port.Port.Type == intstr.String {
		return slices.Contains([]string{mutate.PortNamePMCD, mutate.PortNamePMProxy}, port.Port.StrVal)
	}
	last := port.Port.IntVal
	if port.EndPort != nil {
		last = *port.EndPort
	}
	return port.Port.IntVal <= config.PortPMProxyTLS && last >= config.PortPMCD
}

// peers in a policy of the namespace. No peers are all of them.
func peers(from []networkingv1.NetworkPolicyPeer, namespace string) []string {
	if len(from) == 0 {
		return []string{everyone}
	}
	words := make([]string, 0, len(from))
	for n := range from {
		words = append(words, peer(&from[n], namespace))
	}
	return words
}

func peer(p *networkingv1.NetworkPolicyPeer, namespace string) string {
	if p.IPBlock != nil {
		words := "addresses of " + p.IPBlock.CIDR
		if len(p.IPBlock.Except) > 0 {
			words += " except " + strings.Join(p.IPBlock.Except, ", ")
		}
		return words
	}
	if isEmpty(p.PodSelector) && p.NamespaceSelector != nil && isEmpty(p.NamespaceSelector) {
		return everyPod
	}
	pods := "all pods"
	if !isEmpty(p.PodSelector) {
		pods = "pods labeled " + metav1.FormatLabelSelector(p.PodSelector)
	}
	return pods + " in " + namespaces(p.NamespaceSelector, namespace)
}

func namespaces(selector *metav1.LabelSelector, own string) string {
	switch {
	case selector == nil:
		return "namespace " + own
	case isEmpty(selector):
		return "all namespaces"
	case len(selector.MatchExpressions) == 0 && len(selector.MatchLabels) == 1 && selector.MatchLabels[corev1.LabelMetadataName] != "":
		return "namespace " + selector.MatchLabels[corev1.LabelMetadataName]
	}
	return "namespaces labeled " + metav1.FormatLabelSelector(selector)
}

func isEmpty(selector *metav1.LabelSelector) bool {
	return selector == nil || len(selector.MatchLabels) == 0 && len(selector.MatchExpressions) == 0
}

// tooMany of them are those whom nobody has listed.
func tooMany(clients []string) bool {
	return slices.ContainsFunc(clients, func(words string) bool {
		return words == everyone || words == everyPod || strings.HasPrefix(words, "addresses of 0.0.0.0/0") || strings.HasPrefix(words, "addresses of ::/0")
	})
}

// inWords lists them; nobody if there are none.
func inWords(clients []string) string {
	if len(clients) == 0 {
		return "nobody"
	}
	return strings.Join(clients, "; ")
}
