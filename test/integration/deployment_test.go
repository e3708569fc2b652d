package integration_test

import (
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// TestDeployment: the real controllers create the pods, so the check of the creator is real.
func TestDeployment(t *testing.T) {
	t.Parallel()
	full, err := cluster.Start(t.Context(), cluster.Options{Full: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := full.Stop(); err != nil {
			t.Error(err)
		}
	})
	e := startOn(t, full, "persistence: {pmlogger: {type: EmptyDir}, pmproxy: {type: EmptyDir}}")
	e.createDeployment("node-monitor", false)
	e.createDeployment("web", false)
	eventually(t, "the Deployment's pod to be injected and ready", func() bool {
		pod := e.podOf("node-monitor")
		return pod != nil && containers(pod, "pcp") == 1 && pod.Status.Phase == corev1.PodRunning
	})
	eventually(t, "the other Deployment's pod to be left out", func() bool {
		pod := e.podOf("web")
		return pod != nil && containers(pod, "pcp") == 0 && strings.Contains(pod.Annotations["pcp.io/status"], "NotDesignated")
	})
	deletion := metav1.DeletePropagationForeground
	if err := e.admin.AppsV1().Deployments(e.namespace).Delete(t.Context(), "node-monitor", metav1.DeleteOptions{PropagationPolicy: &deletion}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the Deployment to go", func() bool {
		_, err := e.admin.AppsV1().Deployments(e.namespace).Get(t.Context(), "node-monitor", metav1.GetOptions{})
		return err != nil
	})
	e.createDeployment("node-monitor", true)
	eventually(t, "an event that reports the rejection to the user", func() bool { return strings.Contains(e.events(), "spec.hostPID: Invalid value: true") })
}

func (e *environment) createDeployment(name string, hostPID bool) {
	e.t.Helper()
	labels := map[string]string{"app": name}
	pod := plainPod()
	pod.Spec.HostPID = hostPID
	deployment := &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)),
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{"pcp.io/inject": "true"}},
				Spec:       pod.Spec,
			},
		},
	}
	if _, err := e.admin.AppsV1().Deployments(e.namespace).Create(e.t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		e.t.Fatal(err)
	}
}

func (e *environment) podOf(deployment string) *corev1.Pod {
	pods, err := e.admin.CoreV1().Pods(e.namespace).List(e.t.Context(), metav1.ListOptions{LabelSelector: "app=" + deployment})
	if err != nil || len(pods.Items) == 0 {
		return nil
	}
	return &pods.Items[0]
}

func (e *environment) events() string {
	events, err := e.admin.CoreV1().Events(e.namespace).List(e.t.Context(), listAll)
	if err != nil {
		return ""
	}
	var text strings.Builder
	for _, event := range events.Items {
		text.WriteString(event.Message + "\n")
	}
	return text.String()
}
