package snapshot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// pollPeriod is how often to look at a pod that restarts a container.
const pollPeriod = time.Second

// ErrRunsAlready says that PCP's container has the image already.
var ErrRunsAlready = errors.New("it runs this image already")

// ErrNoPCP says that the pod has no container of PCP.
var ErrNoPCP = errors.New("it has no PCP")

// SetImage gives PCP's container in a live pod another image, and returns the pod as it was before. The kubelet restarts only that
// container.
func (r *Reader) SetImage(ctx context.Context, namespace, name, image string) (*corev1.Pod, error) {
	pods := r.client.CoreV1().Pods(namespace)
	before, err := pods.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("failed to read pod/%s: %w", name, err)
	}
	list, runs := withPCP(before)
	switch {
	case list == "":
		return nil, ErrNoPCP
	case runs == image:
		return before, ErrRunsAlready
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{list: []map[string]string{{"name": mutate.ContainerName, "image": image}}}})
	if err != nil {
		return nil, fmt.Errorf("failed to encode the patch: %w", err)
	}
	if _, err := pods.Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return nil, fmt.Errorf("failed to change the image in pod/%s: %w", name, err)
	}
	return before, nil
}

// withPCP is the list of containers that PCP's is in, empty if the pod has none, and its image.
func withPCP(pod *corev1.Pod) (list, image string) {
	for list, containers := range map[string][]corev1.Container{"containers": pod.Spec.Containers, "initContainers": pod.Spec.InitContainers} {
		for n := range containers {
			if containers[n].Name == mutate.ContainerName {
				return list, containers[n].Image
			}
		}
	}
	return "", ""
}

// PodsWithPCP are the names of the subject's pods with PCP.
func (r *Reader) PodsWithPCP(ctx context.Context, subject *Subject) ([]string, error) {
	s := &Snapshot{Subject: *subject}
	r.readPods(ctx, s)
	var names []string
	for n := range s.Pods.Value {
		if list, _ := withPCP(&s.Pods.Value[n]); list != "" {
			names = append(names, s.Pods.Value[n].Name)
		}
	}
	if s.Pods.Err != nil {
		return nil, fmt.Errorf("failed to list the pods of %s: %w", subject.Argument, s.Pods.Err)
	}
	return names, nil
}

// AwaitImage returns when PCP's container has been restarted and is ready.
func (r *Reader) AwaitImage(ctx context.Context, before *corev1.Pod) error {
	was, state := containerStatus(before), "it has not been restarted yet"
	err := wait.PollUntilContextCancel(ctx, pollPeriod, true, func(ctx context.Context) (bool, error) {
		pod, err := r.client.CoreV1().Pods(before.Namespace).Get(ctx, before.Name, metav1.GetOptions{})
		if err != nil {
			return false, fmt.Errorf("failed to read pod/%s: %w", before.Name, err)
		}
		if pod.UID != before.UID {
			return false, fmt.Errorf("another pod/%s has taken its place", before.Name)
		}
		is := containerStatus(pod)
		if waiting := is.State.Waiting; waiting != nil {
			state = waiting.Reason + ": " + waiting.Message
		}
		return is.Ready && is.RestartCount > was.RestartCount, nil
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = context.Cause(ctx)
	}
	if err != nil {
		return fmt.Errorf("PCP in pod/%s is not ready with the new image: %s: %w", before.Name, state, err)
	}
	return nil
}

func containerStatus(pod *corev1.Pod) corev1.ContainerStatus {
	for _, statuses := range [][]corev1.ContainerStatus{pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses} {
		for n := range statuses {
			if statuses[n].Name == mutate.ContainerName {
				return statuses[n]
			}
		}
	}
	return corev1.ContainerStatus{}
}
