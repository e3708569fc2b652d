package e2e_test

import (
	"fmt"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRefusedConditions is why the injector refuses them: past it, systemd is not process 1, and ends at once.
func TestRefusedConditions(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*corev1.PodSpec){
		"HostPID":               func(spec *corev1.PodSpec) { spec.HostPID = true },
		"ShareProcessNamespace": func(spec *corev1.PodSpec) { spec.ShareProcessNamespace = new(true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			eachPCP(t, func(s *scene) {
				pod := podOf("bypass", corev1.Container{
					Name: "pcp", Image: s.image, Env: []corev1.EnvVar{{Name: "container", Value: "oci"}},
					SecurityContext: &corev1.SecurityContext{Privileged: new(true)},
				})
				set(&pod.Spec)
				s.create(pod)
				s.awaitRestarts(pod.Name, 2)
			})
		})
	}
}

// TestJob: PCP never ends by itself; as a native sidecar it does not keep a Job from its end.
func TestJob(t *testing.T) {
	t.Parallel()
	requireSite(t)
	s := newScene(t, here.pcp[0].Name)
	s.installInjector("target: {namespace: NAMESPACE, kind: Job}")
	job := &batchv1.Job{
		ObjectMeta: metav1.ObjectMeta{Name: "node-monitor"},
		Spec: batchv1.JobSpec{
			BackoffLimit: new(int32(0)),
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"pcp.io/inject": "true"}},
				Spec: corev1.PodSpec{
					RestartPolicy: corev1.RestartPolicyNever,
					Containers:    []corev1.Container{{Name: "work", Image: here.pcp[0].Name, Command: []string{"pminfo", "-h", "localhost", "-f", "kernel.all.load"}}},
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
