package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// nodeSecret is in the environment of processes of the node, such as the kubelet: see the package node.
const nodeSecret = "PCP_E2E_FOLDER="

// TestHostMonitoring: PCP sees the node's processes, but does not tell their environments to other pods.
func TestHostMonitoring(t *testing.T) {
	t.Parallel()
	s := newScene(t, "hostMonitoring: {enabled: true}")
	pod := s.deploy(nodeMonitor(nil))
	s.awaitKubelet(pod)
	output, err := s.ask("pminfo", "-h", pod.Status.PodIP, "-f", "proc.psinfo.environ")
	if strings.Contains(output, nodeSecret) || !strings.Contains(output, "No permission") {
		t.Errorf("another pod reads environments of the node: %.500s (error: %v)", output, err)
	}
	// pmproxy reaches pmcd as a local client does: it sees those of processes with its own user's number, root's are not among them.
	output, err = s.fetch(pod, "/pmapi/fetch?hostspec=local:&names=proc.psinfo.environ")
	if strings.Contains(output, nodeSecret) || !strings.Contains(output, "proc.psinfo.environ") {
		t.Errorf("another pod reads environments of the node through pmproxy, or nothing at all: %.500s (error: %v)", output, err)
	}
}

// TestProcessDetails: what the administrator asked for, and what the option's name warns of.
func TestProcessDetails(t *testing.T) {
	t.Parallel()
	s := newScene(t, "hostMonitoring: {enabled: true, processDetails: true}")
	pod := s.deploy(nodeMonitor(nil))
	s.awaitKubelet(pod)
	eventually(t, metricLimit, "environments of the node", func() error {
		output, err := s.ask("pminfo", "-h", pod.Status.PodIP, "-f", "proc.psinfo.environ")
		if err == nil && !strings.Contains(output, nodeSecret) {
			err = fmt.Errorf("%s is not in any: %.500s", nodeSecret, output)
		}
		return err
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

// TestHostPID is why the injector refuses hostPID: past it, systemd is not process 1, and ends at once.
func TestHostPID(t *testing.T) {
	t.Parallel()
	s := newScene(t, "")
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "bypass"},
		Spec: corev1.PodSpec{
			HostPID: true,
			Containers: []corev1.Container{{
				Name: "pcp", Image: pcpimage.Name, Env: []corev1.EnvVar{{Name: "container", Value: "oci"}},
				SecurityContext: &corev1.SecurityContext{Privileged: new(true)},
			}},
		},
	}
	s.create(pod)
	eventually(t, startLimit, "crash loop", func() error {
		found, err := s.client.CoreV1().Pods(s.namespace).Get(t.Context(), pod.Name, metav1.GetOptions{})
		if err == nil && statusOf(found).RestartCount < 2 {
			err = fmt.Errorf("%d restarts", statusOf(found).RestartCount)
		}
		return err
	})
}

// TestJob: PCP never ends by itself; as a native sidecar it does not keep a Job from its end.
func TestJob(t *testing.T) {
	t.Parallel()
	s := newScene(t, "target: {namespace: NAMESPACE, kind: Job}")
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "node-monitor"},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"pcp.io/inject": "true"}},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever,
					Containers:    []corev1.Container{{Name: "work", Image: pcpimage.Name, Command: []string{"pminfo", "-h", "localhost", "-f", "kernel.all.load"}}},
				},
			},
		},
	}
	if _, err := s.client.BatchV1().Jobs(s.namespace).Create(t.Context(), job, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, startLimit, "the Job's end", func() error {
		found, err := s.client.BatchV1().Jobs(s.namespace).Get(t.Context(), job.Name, metav1.GetOptions{})
		if err == nil && found.Status.Succeeded != 1 {
			err = fmt.Errorf("status %v", found.Status)
		}
		return err
	})
	pods, err := s.client.CoreV1().Pods(s.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: "pcp.io/injected=true"})
	if err != nil || len(pods.Items) != 1 || len(pods.Items[0].Spec.InitContainers) != 1 {
		t.Errorf("the Job's pod was not injected with a native sidecar: %v", err)
	}
}
