package integration_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// TestReinvocation: a second real webhook edits the pod after ours, so the API server calls ours again with its own result.
func TestReinvocation(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	startSecondWebhook(t, e)
	pod, err := e.create(e.controller, targetPod())
	if err != nil {
		t.Fatal(err)
	}
	if containers(pod, "pcp") != 1 || containers(pod, "second") != 1 {
		t.Errorf("%d containers pcp and %d of the second webhook", containers(pod, "pcp"), containers(pod, "second"))
	}
	if injected, again := e.count("Injected"), e.count("AlreadyInjected"); injected != 1 || again != 1 {
		t.Errorf("the webhook injected %d times and was called again %d times, want once each", injected, again)
	}
	requireAudited(t, e.injector.Name())
}

// requireAudited fails if the audit log does not say that the webhook has injected, or if the API server ignored the webhook's annotations
// of its second call.
func requireAudited(t *testing.T, webhook string) {
	t.Helper()
	events, err := plane.AuditEvents(func(event cluster.AuditEvent) bool { return event.Annotations[webhook+"/reason"] == "Injected" })
	if err != nil || len(events) != 1 {
		t.Errorf("%d audit events tell of the injection, want 1 (error: %v)", len(events), err)
	}
	log, err := os.ReadFile(filepath.Join(plane.Logs(), "kube-apiserver.log"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(log)) {
		if strings.Contains(line, "Failed to set admission audit annotation "+webhook+"/") {
			t.Errorf("the API server logs: %s", line)
		}
	}
}

// TestLimitRange: the in-tree plugin runs again after the webhook, and gives PCP's container the namespace's defaults.
func TestLimitRange(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	limits := &corev1.LimitRange{
		ObjectMeta: metav1.ObjectMeta{Name: "defaults"},
		Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
			Type:    corev1.LimitTypeContainer,
			Default: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("500m"), corev1.ResourceMemory: resource.MustParse("512Mi")},
		}}},
	}
	if _, err := e.admin.CoreV1().LimitRanges(e.namespace).Create(t.Context(), limits, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the LimitRange to take effect", func() bool {
		pod, err := e.create(e.controller, targetPod())
		return err == nil && containers(pod, "pcp") == 1 && pod.Spec.Containers[1].Resources.Limits.Cpu().String() == "500m"
	})
	if !strings.Contains(e.controller.allWarnings(), "pcp-injector: CPULimit") {
		t.Errorf("nobody warned about the cpu limit: %q", e.controller.allWarnings())
	}
}

// TestPodSecurity: Pod Security judges the pod as the webhook has left it.
func TestPodSecurity(t *testing.T) {
	t.Parallel()
	t.Run("privileged", func(t *testing.T) {
		t.Parallel()
		e := start(t, "", "pod-security.kubernetes.io/enforce=privileged")
		if pod, err := e.create(e.controller, targetPod()); err != nil || containers(pod, "pcp") != 1 {
			t.Errorf("not injected: %v", err)
		}
	})
	t.Run("baseline", func(t *testing.T) {
		t.Parallel()
		e := start(t, "", "pod-security.kubernetes.io/enforce=baseline")
		_, err := e.create(e.controller, targetPod())
		if err == nil || !strings.Contains(err.Error(), `violates PodSecurity "baseline:latest"`) || !strings.Contains(err.Error(), `privileged (container "pcp"`) {
			t.Errorf("the user sees %v", err)
		}
		if pod, err := e.create(e.controller, plainPod()); err != nil || containers(pod, "pcp") != 0 {
			t.Errorf("a pod that did not ask: %v", err)
		}
	})
}
