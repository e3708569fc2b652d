package charts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// nodeMonitor is the target Deployment, which asks for PCP.
func nodeMonitor(edits ...func(*appsv1.Deployment)) *appsv1.Deployment {
	labels := map[string]string{"app": "node-monitor"}
	deployment := &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Name: "node-monitor"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)),
			Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{"pcp.io/inject": "true"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "registry.example.com/app:v1"}}},
			},
		},
	}
	for _, edit := range edits {
		edit(deployment)
	}
	return deployment
}

// manifest is the object as a user would write it.
func manifest(t *testing.T, object any) string {
	t.Helper()
	text, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// apply is kubectl apply in the target's namespace.
func (r *release) apply(deployment *appsv1.Deployment) output {
	r.t.Helper()
	return kubectl(r.t, manifest(r.t, deployment), "apply", "--namespace", r.target, "-f", "-")
}

// pod waits for the Deployment's one pod, made by the real controllers, to be Ready and as wanted.
func (r *release) pod(name string, wanted func(*corev1.Pod) error) *corev1.Pod {
	r.t.Helper()
	var found *corev1.Pod
	r.eventually("the pod of "+name, func(ctx context.Context) error {
		pods, err := plane.Client().CoreV1().Pods(r.target).List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
		if err != nil {
			return err
		}
		for _, pod := range pods.Items {
			if pod.DeletionTimestamp == nil && pod.Status.Phase == corev1.PodRunning {
				found = &pod
				return wanted(found)
			}
		}
		return fmt.Errorf("of %d pods none is running\n%s", len(pods.Items), r.events(ctx))
	})
	return found
}

// events are what the user of the target's namespace sees.
func (r *release) events(ctx context.Context) string {
	events, err := plane.Client().CoreV1().Events(r.target).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	text := ""
	for _, event := range events.Items {
		if event.Type == corev1.EventTypeWarning {
			text += event.InvolvedObject.Kind + " " + event.InvolvedObject.Name + ": " + event.Message + "\n"
		}
	}
	return text
}

func pcp(pod *corev1.Pod) *corev1.Container {
	for i := range pod.Spec.Containers {
		if pod.Spec.Containers[i].Name == "pcp" {
			return &pod.Spec.Containers[i]
		}
	}
	return nil
}

func injected(pod *corev1.Pod) error {
	if pcp(pod) == nil {
		return errors.New("it has no container pcp")
	}
	return nil
}

func untouched(pod *corev1.Pod) error {
	if pcp(pod) != nil || pod.Annotations["pcp.io/status"] != "" {
		return fmt.Errorf("it has been changed: %s", pod.Annotations["pcp.io/status"])
	}
	return nil
}

// replace makes the Deployment's pod anew.
func (r *release) replacePod() {
	r.t.Helper()
	mustKubectl(r.t, "", "delete", "pod", "--namespace", r.target, "--selector", "app=node-monitor", "--wait")
}
