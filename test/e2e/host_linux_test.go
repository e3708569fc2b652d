package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
)

// TestHostMonitoring: PCP sees the node's processes, but does not tell their environments to other pods.
func TestHostMonitoring(t *testing.T) {
	t.Parallel()
	eachPCP(t, func(s *scene) {
		s.installInjector("hostMonitoring: {enabled: true}")
		pod := s.deploy(nodeMonitor(nil))
		s.awaitKubelet(pod)
		output, err := s.ask("pminfo", "-h", pod.Status.PodIP, "-f", "proc.psinfo.environ")
		if strings.Contains(output, secret) || !strings.Contains(output, "No permission") {
			s.t.Errorf("another pod reads environments of the node: %.500s (error: %v)", output, err)
		}
		// pmproxy reaches pmcd as a local client does: it sees those of processes with its own user's number, root's are not among them.
		output, err = s.fetch(pod, "/pmapi/fetch?hostspec=local:&names=proc.psinfo.environ")
		if strings.Contains(output, secret) || !strings.Contains(output, "proc.psinfo.environ") {
			s.t.Errorf("another pod reads environments of the node through pmproxy, or nothing at all: %.500s (error: %v)", output, err)
		}
	})
}

// TestProcessDetails: what the administrator asked for, and what the option's name warns of.
func TestProcessDetails(t *testing.T) {
	t.Parallel()
	eachPCP(t, func(s *scene) {
		s.installInjector("hostMonitoring: {enabled: true, processDetails: true}")
		pod := s.deploy(nodeMonitor(nil))
		s.awaitKubelet(pod)
		eventually(s.t, metricLimit, "environments of the node", func() error {
			output, err := s.ask("pminfo", "-h", pod.Status.PodIP, "-f", "proc.psinfo.environ")
			if err == nil && !strings.Contains(output, secret) {
				err = fmt.Errorf("%s is not in any: %.500s", secret, output)
			}
			return err
		})
	})
}

// awaitKubelet returns when PCP, asked by root in its own container, sees a process of the node.
func (s *scene) awaitKubelet(pod *corev1.Pod) {
	s.t.Helper()
	eventually(s.t, metricLimit, "the node's processes", func() error {
		output, err := s.in(pod.Name, "pcp", "pminfo", "-h", "local:", "-f", "proc.psinfo.cmd")
		if err == nil && !strings.Contains(output, `value "kubelet"`) {
			err = fmt.Errorf("the kubelet is not among the processes: %.500s", output)
		}
		return err
	})
}
