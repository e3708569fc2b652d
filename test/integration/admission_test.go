package integration_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

func TestDesignatedPodIsInjected(t *testing.T) {
	t.Parallel()
	e := start(t, "hostMonitoring: {enabled: true, hostNetwork: true}")
	pod, err := e.create(e.controller, designatedPod())
	if err != nil {
		t.Fatal(err)
	}
	if containers(pod, "pcp") != 1 || pod.Labels["pcp.io/injected"] != "true" || !pod.Spec.HostNetwork || pod.Spec.DNSPolicy != corev1.DNSClusterFirstWithHostNet {
		t.Errorf("not as configured: %+v", pod)
	}
	if warnings := e.controller.allWarnings(); !strings.Contains(warnings, "SmallVolume") || !strings.Contains(warnings, "HostNetworkExposed") {
		t.Errorf("the user saw the warnings %q", warnings)
	}
	events, err := plane.AuditEvents(func(event cluster.AuditEvent) bool {
		return event.Annotations[e.injector.Name()+"/reason"] == "Injected"
	})
	if err != nil || len(events) == 0 {
		t.Errorf("no audit annotation tells of the injection: %v", err)
	}
}

// TestPodsThatDoNotAsk: the API server itself keeps them away, which the webhook's own counter proves.
func TestPodsThatDoNotAsk(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	before := e.admissions()
	optedOut := designatedPod(annotate("pcp.io/inject", "false"))
	other := plainPod()
	other.Annotations = map[string]string{"example.com/a": "b"}
	for _, pod := range []*corev1.Pod{plainPod(), other, optedOut} {
		created, err := e.create(e.controller, pod)
		if err != nil {
			t.Fatal(err)
		}
		if containers(created, "pcp") != 0 || created.Annotations["pcp.io/status"] != "" {
			t.Errorf("a pod that did not ask was changed: %v", created.Annotations)
		}
	}
	if after := e.admissions(); after != before {
		t.Errorf("the webhook was asked %d times about pods that did not ask", after-before)
	}
	if _, err := e.create(e.controller, designatedPod()); err != nil || e.count("Injected") != 1 {
		t.Errorf("the webhook injected %d pods, where one asked: %v", e.count("Injected"), err)
	}
}

func TestNamespaceWithoutTheLabel(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	other := e.namespace + "-other"
	if err := plane.CreateNamespace(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	before := e.admissions()
	pod, err := e.controller.CoreV1().Pods(other).Create(t.Context(), designatedPod(), dryRun)
	if err != nil || containers(pod, "pcp") != 0 {
		t.Errorf("a namespace that has not opted in: %v", err)
	}
	if after := e.admissions(); after != before {
		t.Errorf("the webhook was asked %d times about a namespace that has not opted in", after-before)
	}
}

func TestNotDesignated(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	pod, err := e.create(e.controller, designatedPod(func(pod *corev1.Pod) { pod.OwnerReferences[0].Name = "web-6d5f8c7b9d" }))
	if err != nil {
		t.Fatal(err)
	}
	status := pod.Annotations["pcp.io/status"]
	if containers(pod, "pcp") != 0 || !strings.Contains(status, `"reason":"NotDesignated"`) || !strings.Contains(status, `Deployment \"node-monitor\"`) {
		t.Errorf("the status is %s", status)
	}
	if !strings.Contains(e.controller.allWarnings(), "pcp-injector: NotDesignated") || e.count("NotDesignated") != 1 {
		t.Errorf("the user saw the warnings %q", e.controller.allWarnings())
	}
}

// TestForgedOwner: whoever may create pods may write any ownerReference, but is still not the controller.
func TestForgedOwner(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	pod, err := e.create(e.admin, designatedPod())
	if err != nil {
		t.Fatal(err)
	}
	if status := pod.Annotations["pcp.io/status"]; containers(pod, "pcp") != 0 || !strings.Contains(status, `"reason":"UntrustedCreator"`) {
		t.Errorf("the status is %s", status)
	}
	if !strings.Contains(e.admin.allWarnings(), "pcp-injector: UntrustedCreator") || e.count("UntrustedCreator") != 1 {
		t.Errorf("the user saw the warnings %q", e.admin.allWarnings())
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	pod, err := e.create(e.controller, designatedPod())
	if err != nil || containers(pod, "pcp") != 1 {
		t.Fatalf("the dry run shows %v, %v", pod, err)
	}
	stored, err := e.admin.CoreV1().Pods(e.namespace).List(t.Context(), listAll)
	if err != nil || len(stored.Items) != 0 {
		t.Errorf("the dry run stored %d pods: %v", len(stored.Items), err)
	}
	if !strings.Contains(e.injector.Log(), `"dryRun":true`) {
		t.Error("the log does not tell that it was a dry run")
	}
}
