package e2e_test

import (
	"context"
	"errors"
	"regexp"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// onNodeNetwork leaves a pmcd that was stopped to the readiness probe, which is quick here, and has no agent whose installation
// starts it again.
const onNodeNetwork = `container: {image: IMAGE, probes: {liveness: {failureThreshold: 60}, readiness: {periodSeconds: 1, failureThreshold: 1}}}
hostMonitoring: {enabled: true, hostNetwork: true}
openMetrics: {enabled: false}`

// TestHostNetwork: the node has a pmcd of its own on the port. The injected one works beside it, on its local socket, and its
// readiness is its own: when it is stopped, the other one's answers do not make it ready.
func TestHostNetwork(t *testing.T) {
	requireSite(t)
	for _, version := range here.pcp { // One after the other: the node has one network.
		t.Run(version.Version, func(t *testing.T) {
			m := &monitor{scene: newScene(t, version.Name)}
			t.Cleanup(m.clear)
			m.create(pmcdOfTheNode(version.Name))
			eventually(t, startLimit, "the node's own pmcd", m.otherAnswers)
			m.installInjector(onNodeNetwork)
			m.pod = m.deploy(nodeMonitor(nil))
			m.entrypoint(t)
			log, err := m.pcp("cat", "/var/log/pcp/pmcd/pmcd.log")
			if taken := regexp.MustCompile(`(?m)^ +ok .*/pmcd.socket\n +err .* 44321 `); err != nil || !taken.MatchString(log) {
				t.Errorf("the injected pmcd does not listen on its local socket alone: %s (error: %v)", log, err)
			}
			m.readiness(t)
		})
	}
}

// readiness: with its pmcd the pod's readiness goes and comes.
func (m *monitor) readiness(t *testing.T) {
	t.Helper()
	if _, err := m.pcp("systemctl", "stop", "pmcd"); err != nil {
		t.Fatal(err)
	}
	eventually(t, startLimit, "unready", func() error {
		pod, err := m.client.CoreV1().Pods(m.namespace).Get(t.Context(), m.pod.Name, metav1.GetOptions{})
		if err == nil && ready(pod) == nil {
			err = errors.New("the pod is still ready")
		}
		return err
	})
	if err := m.otherAnswers(); err != nil {
		t.Errorf("the port does not answer any more, so that this shows nothing: %v", err)
	}
	if _, err := m.pcp("systemctl", "start", "pmcd"); err != nil {
		t.Fatal(err)
	}
	m.awaitReady("")
}

// pmcdOfTheNode is a pmcd in the node's network, as a package of the node's distribution would run.
func pmcdOfTheNode(image string) *corev1.Pod {
	pod := podOf("other", corev1.Container{
		Name: "other", Image: image, Env: []corev1.EnvVar{{Name: "container", Value: "oci"}, {Name: "PCP_SERVICES", Value: "pmcd"}},
		SecurityContext: &corev1.SecurityContext{Privileged: new(true)},
	})
	pod.Spec.HostNetwork = true
	pod.Spec.TerminationGracePeriodSeconds = nil
	return pod
}

func (m *monitor) otherAnswers() error {
	_, err := m.in("other", "other", "pminfo", "-h", "localhost", "-f", "pmcd.version")
	return err
}

// clear returns when the scene's pods are gone, and with them what they hold of the node's network.
func (s *scene) clear() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := s.kubectl(ctx, "delete", "deployments,pods", "--all"); err != nil {
		s.t.Error(err)
	}
}
