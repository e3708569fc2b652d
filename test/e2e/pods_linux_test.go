package e2e_test

import (
	"fmt"
	"maps"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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

// exporterContainer names its port, so it can be discovered.
func exporterContainer() corev1.Container {
	return corev1.Container{
		Name: "exporter", Image: here.pcp[0].Name, Command: []string{"python3", "-c", exporter},
		Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 9100}},
	}
}

// runs is a pod of one container that runs a command. Its label app is its name.
func runs(name string, command ...string) *corev1.Pod {
	return podOf(name, corev1.Container{Name: name, Image: here.pcp[0].Name, Command: command})
}

func podOf(name string, container corev1.Container) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{TerminationGracePeriodSeconds: new(int64(0)), Containers: []corev1.Container{container}},
	}
}

// systemdAlone is a privileged container that runs systemd past the injector and the charts, and leaves the node alone as theirs do.
func systemdAlone(name, image string, env ...corev1.EnvVar) corev1.Container {
	return corev1.Container{
		Name: name, Image: image, Env: append(env, corev1.EnvVar{Name: "container", Value: "oci"}),
		Args:            []string{"/bin/sh", "-ec", "mount -o bind,ro /proc/sys /proc/sys; rm -f /dev/kmsg; exec /usr/sbin/init"},
		SecurityContext: &corev1.SecurityContext{Privileged: new(true)},
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
				Spec:       corev1.PodSpec{Containers: []corev1.Container{exporterContainer()}},
			},
		},
	}
}

// deploy creates the Deployment and returns its pod when that is ready.
func (s *scene) deploy(deployment *appsv1.Deployment) *corev1.Pod {
	s.t.Helper()
	s.createDeployment(deployment)
	return s.awaitReady("")
}

func (s *scene) createDeployment(deployment *appsv1.Deployment) {
	s.t.Helper()
	if _, err := s.client.AppsV1().Deployments(s.namespace).Create(s.t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// createService makes a Service for one port of the pods with the label app of its name.
func (s *scene) createService(name string, port int32) {
	s.t.Helper()
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ServiceSpec{Selector: map[string]string{"app": name}, Ports: []corev1.ServicePort{{Port: port}}},
	}
	if _, err := s.client.CoreV1().Services(s.namespace).Create(s.t.Context(), service, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(fmt.Errorf("no Service %s: %w", name, err))
	}
}
