package integration_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

func TestTargetPodIsInjected(t *testing.T) {
	t.Parallel()
	e := start(t, "hostMonitoring: {enabled: true, hostNetwork: true}\ncontainer: {listen: AllAddresses}\npersistence: {pmlogger: {size: 1Gi}}")
	pod, err := e.create(e.controller, targetPod())
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
		t.Errorf("no audit annotation reports the injection: %v", err)
	}
}

// TestPodsThatDoNotAsk: the API server itself does not send them, as the webhook's own counter proves.
func TestPodsThatDoNotAsk(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	before := e.admissions()
	optedOut := targetPod(annotate("pcp.io/inject", "false"))
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
	if _, err := e.create(e.controller, targetPod()); err != nil || e.count("Injected") != 1 {
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
	pod, err := e.controller.CoreV1().Pods(other).Create(t.Context(), targetPod(), dryRun)
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
	pod, err := e.create(e.controller, targetPod(func(pod *corev1.Pod) { pod.OwnerReferences[0].Name = "web-6d5f8c7b9d" }))
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

// TestForgedOwner: anyone who may create pods can write any ownerReference, but is still not the controller.
func TestForgedOwner(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	pod, err := e.create(e.admin, targetPod())
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

// TestForgedOwningPod: anyone who may create pods can claim that the target owns theirs.
func TestForgedOwningPod(t *testing.T) {
	t.Parallel()
	e := start(t, "target: {namespace: NAMESPACE, kind: Pod}")
	forged := plainPod()
	forged.Annotations = map[string]string{"pcp.io/inject": "true"}
	forged.OwnerReferences = []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: "node-monitor", UID: "4b1d", Controller: new(true)}}
	pod, err := e.create(e.admin, forged)
	if err != nil {
		t.Fatal(err)
	}
	if status := pod.Annotations["pcp.io/status"]; containers(pod, "pcp") != 0 || !strings.Contains(status, `"reason":"NotDesignated"`) {
		t.Errorf("the status is %s", status)
	}
	forged.OwnerReferences, forged.GenerateName, forged.Name = nil, "", "node-monitor"
	if pod, err := e.create(e.admin, forged); err != nil || containers(pod, "pcp") != 1 {
		t.Errorf("the pod of the target is not injected: %v", err)
	}
}

// TestRefusedSources: PCP reads neither itself nor the node's services on a pod's behalf.
func TestRefusedSources(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	for source, want := range map[string]string{
		"http://0x7f.1:44322/pmapi/store?name=a&value=1": "port 44322 is PCP's own",
		"http://169.254.169.254/latest/meta-data/":       "the host is a link-local address",
		"http://[::ffff:169.254.169.254]/":               "the host must be the IPv4 address",
		"http://2852039166/":                             "an IPv4 address must be written as four decimal numbers",
		"file:///etc/shadow":                             "must be a URL that starts with http://, https://",
	} {
		_, err := e.create(e.controller, targetPod(annotate("openmetrics.pcp.io/app", source)))
		if err == nil || !strings.Contains(err.Error(), "metadata.annotations[openmetrics.pcp.io/app]: Invalid value: line 1: "+want) {
			t.Errorf("%s: the user sees %v, want %q", source, err, want)
		}
	}
	if pod, err := e.create(e.controller, targetPod(annotate("openmetrics.pcp.io/app", "http://localhost:9100/metrics"))); err != nil || containers(pod, "pcp") != 1 {
		t.Errorf("an exporter's source: %v", err)
	}
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	pod, err := e.create(e.controller, targetPod())
	if err != nil || containers(pod, "pcp") != 1 {
		t.Fatalf("the dry run shows %v, %v", pod, err)
	}
	stored, err := e.admin.CoreV1().Pods(e.namespace).List(t.Context(), listAll)
	if err != nil || len(stored.Items) != 0 {
		t.Errorf("the dry run stored %d pods: %v", len(stored.Items), err)
	}
	if !strings.Contains(e.injector.Log(), `"dryRun":true`) {
		t.Error("the log does not say that it was a dry run")
	}
}
