package e2e_test

import (
	"errors"
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// exporter serves one metric, whose value is the length of the path that it is asked for. It ends on the image's stop signal.
const exporter = `
import http.server, signal, sys
signal.signal(signal.SIGRTMIN + 3, lambda *_: sys.exit(0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"# TYPE answer gauge\nanswer %d\n" % len(self.path))
    def log_message(self, *_):
        pass
http.server.ThreadingHTTPServer(("", 9100), Handler).serve_forever()
`

func sleeper(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: new(int64(0)),
			Containers:                    []corev1.Container{{Name: "sleeper", Image: pcpimage.Name, Command: []string{"sleep", "infinity"}}},
		},
	}
}

// nodeMonitor is a Deployment that asks for PCP, with further annotations of its pod.
func nodeMonitor(annotations map[string]string) *appsv1.Deployment {
	all := map[string]string{"pcp.io/inject": "true"}
	maps.Copy(all, annotations)
	labels := map[string]string{"app": "node-monitor"}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: "node-monitor"},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: all},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "exporter", Image: pcpimage.Name, Command: []string{"python3", "-c", exporter},
				}}},
			},
		},
	}
}

// deploy creates the Deployment and returns its pod when that is ready.
func (s *scene) deploy(deployment *appsv1.Deployment) *corev1.Pod {
	s.t.Helper()
	if _, err := s.client.AppsV1().Deployments(s.namespace).Create(s.t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	return s.awaitReady("")
}

// awaitReady returns the one injected pod, which is not the one with the given UID, when it is ready.
func (s *scene) awaitReady(not string) (found *corev1.Pod) {
	s.t.Helper()
	eventually(s.t, startLimit, "pod ready", func() error {
		pods, err := s.client.CoreV1().Pods(s.namespace).List(s.t.Context(), metav1.ListOptions{LabelSelector: "pcp.io/injected=true"})
		if err != nil {
			return err
		}
		if len(pods.Items) != 1 || string(pods.Items[0].UID) == not {
			return fmt.Errorf("there are %d injected pods, or the old one is still there", len(pods.Items))
		}
		found = &pods.Items[0]
		return ready(found)
	})
	return found
}

func ready(pod *corev1.Pod) error {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return errors.New("the pod is not ready")
}

// statusOf is that of the pod's PCP container.
func statusOf(pod *corev1.Pod) corev1.ContainerStatus {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == "pcp" {
			return status
		}
	}
	return corev1.ContainerStatus{}
}
