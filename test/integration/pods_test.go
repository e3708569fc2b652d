package integration_test

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// plainPod does not ask for PCP.
func plainPod() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "plain-"},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "registry.example.com/app:v1"}}},
	}
}

// targetPod is what the controller of ReplicaSets creates for the Deployment node-monitor.
func targetPod(edits ...func(*corev1.Pod)) *corev1.Pod {
	pod := plainPod()
	pod.GenerateName = "node-monitor-6d5f8c7b9d-"
	pod.Labels = map[string]string{"pod-template-hash": "6d5f8c7b9d"}
	pod.Annotations = map[string]string{"pcp.io/inject": "true"}
	pod.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "node-monitor-6d5f8c7b9d", UID: types.UID("4b1d"), Controller: new(true),
	}}
	for _, edit := range edits {
		edit(pod)
	}
	return pod
}

func annotate(key, value string) func(*corev1.Pod) {
	return func(pod *corev1.Pod) { pod.Annotations[key] = value }
}

func containers(pod *corev1.Pod, name string) int {
	count := 0
	for _, c := range slices.Concat(pod.Spec.Containers, pod.Spec.InitContainers) {
		if c.Name == name {
			count++
		}
	}
	return count
}
