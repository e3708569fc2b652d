package e2e_test

import (
	"os"
	"slices"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// enforcedVariable is set where the given cluster is known to enforce NetworkPolicies.
const enforcedVariable = "E2E_NETWORKPOLICY"

// networkPolicy: the chart's policy lets the asker reach PCP's ports, and no other pod. The plugins of this machine's own node enforce
// no NetworkPolicy: there the object is all that can be held to this.
func (m *monitor) networkPolicy(t *testing.T) {
	t.Helper()
	policies, err := m.client.NetworkingV1().NetworkPolicies(m.namespace).List(t.Context(), metav1.ListOptions{})
	if err != nil || len(policies.Items) != 1 {
		t.Fatalf("%d NetworkPolicies, want one (error: %v)", len(policies.Items), err)
	}
	policy := policies.Items[0].Spec
	if !matches(t, &policy.PodSelector, m.pod.Labels) {
		t.Errorf("the NetworkPolicy selects %v, not PCP's pod with %v", policy.PodSelector, m.pod.Labels)
	}
	stranger := runs("stranger", "sleep", "infinity")
	ports := portsOfPCP(m.pod)
	if len(ports) != 2 {
		t.Fatalf("PCP's container has the ports %v, want pmcd's and pmproxy's", ports)
	}
	for _, port := range ports {
		if !allows(t, policy.Ingress, port, runs("asker").Labels) || allows(t, policy.Ingress, port, stranger.Labels) {
			t.Errorf("port %s is not open to the asker alone: %+v", port.Name, policy.Ingress)
		}
	}
	m.create(stranger)
	eventually(t, startLimit, "a pod that is not let in", func() error {
		_, err := m.in("stranger", "stranger", "true")
		return err
	})
	_, err = m.in("stranger", "stranger", "pminfo", "-h", m.pod.Status.PodIP, "-f", "pmcd.version")
	switch {
	case err != nil:
		t.Logf("this cluster enforces the NetworkPolicy: %v", err)
	case os.Getenv(enforcedVariable) != "":
		t.Error("a pod that is not let in was answered")
	default:
		t.Log("this cluster enforces no NetworkPolicy: a pod that is not let in was answered")
	}
}

func matches(t *testing.T, selector *metav1.LabelSelector, set labels.Set) bool {
	t.Helper()
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Matches(set)
}

// portsOfPCP are those of the PCP container.
func portsOfPCP(pod *corev1.Pod) []corev1.ContainerPort {
	for _, container := range pod.Spec.Containers {
		if container.Name == "pcp" {
			return container.Ports
		}
	}
	return nil
}

// allows reports whether rules let a pod of the same namespace reach a port.
func allows(t *testing.T, rules []networkingv1.NetworkPolicyIngressRule, port corev1.ContainerPort, from labels.Set) bool {
	t.Helper()
	return slices.ContainsFunc(rules, func(rule networkingv1.NetworkPolicyIngressRule) bool {
		covered := len(rule.Ports) == 0 || slices.ContainsFunc(rule.Ports, func(p networkingv1.NetworkPolicyPort) bool { return covers(p, port) })
		return covered && (len(rule.From) == 0 || slices.ContainsFunc(rule.From, func(peer networkingv1.NetworkPolicyPeer) bool {
			return peer.PodSelector != nil && peer.NamespaceSelector == nil && matches(t, peer.PodSelector, from)
		}))
	})
}

func covers(p networkingv1.NetworkPolicyPort, port corev1.ContainerPort) bool {
	if p.Port == nil {
		return true
	}
	last := p.Port.IntVal
	if p.EndPort != nil {
		last = *p.EndPort
	}
	within := p.Port.IntVal <= port.ContainerPort && port.ContainerPort <= last
	return p.Port.StrVal == port.Name || p.Port.Type == intstr.Int && within && *p.Protocol == corev1.ProtocolTCP
}
