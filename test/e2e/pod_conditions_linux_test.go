package e2e_test

import (
	"fmt"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRefusedConditions is why the injector refuses them: past it, systemd is not process 1, and ends at once. Without them, the same pod
// works.
func TestRefusedConditions(t *testing.T) {
	t.Parallel()
	requireSite(t)
	for name, set := range map[string]func(*corev1.PodSpec){
		"HostPID":               func(spec *corev1.PodSpec) { spec.HostPID = true },
		"ShareProcessNamespace": func(spec *corev1.PodSpec) { spec.ShareProcessNamespace = new(true) },
		"Neither":               nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, here.pcp[0].Name) // It is systemd that ends, not PCP.
			pod := podOf("bypass", systemdAlone("pcp", s.image))
			if set == nil {
				s.create(pod)
				s.requireWorking(pod.Name)
				return
			}
			set(&pod.Spec)
			s.create(pod)
			s.awaitRestarts(pod.Name, 2)
		})
	}
}

// awaitRestarts waits until PCP's container of the pod has been restarted at least so often.
func (s *scene) awaitRestarts(name string, want int32) {
	s.t.Helper()
	eventually(s.t, startLimit, "restarts", func() error {
		pod, err := s.client.CoreV1().Pods(s.namespace).Get(s.t.Context(), name, metav1.GetOptions{})
		if err == nil && statusOf(pod).RestartCount < want {
			err = fmt.Errorf("%d restarts, want %d", statusOf(pod).RestartCount, want)
		}
		return err
	})
}

func (s *scene) requireWorking(name string) {
	s.t.Helper()
	eventually(s.t, startLimit, "pmcd", func() error {
		_, err := s.in(name, "pcp", "pminfo", "-h", "unix:", "-f", "pmcd.version")
		return err
	})
	pod, err := s.client.CoreV1().Pods(s.namespace).Get(s.t.Context(), name, metav1.GetOptions{})
	if err != nil || statusOf(pod).RestartCount > 0 {
		s.t.Errorf("PCP was restarted: %+v (error: %v)", pod.Status, err)
	}
}

// TestJob: PCP never ends by itself; as a native sidecar it does not keep a Job from its end.
func TestJob(t *testing.T) {
	t.Parallel()
	requireSite(t)
	s := newScene(t, here.pcp[0].Name) // It is systemd that ends, not PCP.
	s.installInjector("target: {namespace: NAMESPACE, kind: Job}")
	const work = "until pminfo -h localhost -f kernel.all.load; do sleep 1; done"
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "node-monitor"},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"pcp.io/inject": "true"}},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever,
					Containers:    []corev1.Container{{Name: "work", Image: s.image, Command: []string{"sh", "-c", work}}},
				},
			},
		},
	}
	if _, err := s.client.BatchV1().Jobs(s.namespace).Create(s.t.Context(), job, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	s.awaitSuccess(job.Name)
	pods, err := s.client.CoreV1().Pods(s.namespace).List(s.t.Context(), metav1.ListOptions{LabelSelector: s.selector})
	if err != nil || len(pods.Items) != 1 || len(pods.Items[0].Spec.InitContainers) != 1 {
		s.t.Errorf("the Job's pod was not injected with a native sidecar: %v", err)
	}
}

func (s *scene) awaitSuccess(job string) {
	s.t.Helper()
	eventually(s.t, startLimit, "the Job's end", func() error {
		found, err := s.client.BatchV1().Jobs(s.namespace).Get(s.t.Context(), job, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if found.Status.Failed > 0 {
			s.t.Fatalf("the Job failed: %+v", found.Status)
		}
		if found.Status.Succeeded != 1 {
			return fmt.Errorf("status %+v", found.Status)
		}
		return nil
	})
}
