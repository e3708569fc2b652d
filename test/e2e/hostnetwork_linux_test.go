package e2e_test

import (
	"errors"
	"regexp"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// onNodeNetwork leaves a pmcd that was stopped to the readiness probe, which is quick here, and has no agent whose installation
// starts it again.
const onNodeNetwork = `container: {image: IMAGE, probes: {liveness: {failureThreshold: 600}, readiness: {periodSeconds: 1}}}
hostMonitoring: {enabled: true, hostNetwork: true}
openMetrics: {enabled: false}`

// portTaken is in the log of a pmcd that listens on its local socket, and not on the port.
var portTaken = regexp.MustCompile(`(?m)^ +ok .*/pmcd.socket\n +err .* 44321 `)

// besideAnother: the node has a pmcd of its own on the port. The injected one works beside it, on its local socket, and its
// readiness is its own: when it is stopped, the other one's answers do not make it ready.
func besideAnother(t *testing.T, s *scene) {
	t.Helper()
	m := &monitor{scene: s}
	m.create(pmcdOfTheNode(s.image))
	eventually(t, startLimit, "the node's own pmcd", m.otherAnswers)
	m.installInjector(onNodeNetwork)
	m.pod = m.deploy(m.onNodeOf("other"))
	m.entrypoint(t)
	log, err := m.pcp("cat", "/var/log/pcp/pmcd/pmcd.log")
	if err != nil || !portTaken.MatchString(log) {
		t.Errorf("the injected pmcd does not listen on its local socket alone: %s (error: %v)", log, err)
	}
	m.readiness(t)
}

// readiness: with its pmcd the pod's readiness goes and comes.
func (m *monitor) readiness(t *testing.T) {
	t.Helper()
	m.stopPMCD(t)
	eventually(t, startLimit, "unready", func() error {
		pod, err := m.client.CoreV1().Pods(m.namespace).Get(t.Context(), m.pod.Name, metav1.GetOptions{})
		if err == nil && ready(pod) == nil {
			err = errors.New("the pod is still ready")
		}
		return err
	})
	if output, err := m.pcp(m.readinessCommand()...); err == nil {
		t.Errorf("the readiness probe succeeds without pmcd: %s", output)
	}
	if err := m.otherAnswers(); err != nil {
		t.Errorf("the port does not answer any more, so this shows nothing: %v", err)
	}
	if _, err := m.pcp("systemctl", "start", "pmcd"); err != nil {
		t.Fatal(err)
	}
	m.awaitReady("")
}

func (m *monitor) readinessCommand() []string {
	for _, container := range m.pod.Spec.Containers {
		if container.Name == "pcp" {
			return container.ReadinessProbe.Exec.Command
		}
	}
	return nil
}

// pmcdOfTheNode is a pmcd in the node's network, as a package of the node's distribution would run.
func pmcdOfTheNode(image string) *corev1.Pod {
	pod := podOf("other", systemdAlone("other", image, corev1.EnvVar{Name: "PCP_SERVICES", Value: "pmcd"}))
	pod.Spec.HostNetwork = true
	pod.Spec.TerminationGracePeriodSeconds = nil
	return pod
}

// onNodeOf is a node monitor on the node of a pod.
func (s *scene) onNodeOf(name string) *appsv1.Deployment {
	s.t.Helper()
	pod, err := s.client.CoreV1().Pods(s.namespace).Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	deployment := nodeMonitor(nil)
	deployment.Spec.Template.Spec.NodeName = pod.Spec.NodeName
	return deployment
}

func (m *monitor) otherAnswers() error {
	_, err := m.in("other", "other", "pminfo", "-h", "localhost", "-f", "pmcd.version")
	return err
}
