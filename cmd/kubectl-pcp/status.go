package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/cli-runtime/pkg/printers"

	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/verify"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const statusHelp = `List the pods that have PCP: where they run, whether PCP is ready, its image, and whether the pod is as it should be.

Without --namespace, the namespaces of all targets are listed. With --watch, the list is shown again whenever it has changed, until
Ctrl-C.

Exit codes:
  0  the list was shown
  1  the cluster cannot be asked
  2  wrong usage
`

const statusExamples = `  # List all pods with PCP
  kubectl pcp status

  # Keep an eye on those of one namespace
  kubectl pcp status --namespace monitoring --watch`

// watchPeriod is how often the list is read again.
const watchPeriod = 2 * time.Second

// podStatus is one line of the list.
type podStatus struct {
	Namespace string       `json:"namespace"`
	Pod       string       `json:"pod"`
	Node      string       `json:"node"`
	Ready     bool         `json:"ready"`
	Restarts  int32        `json:"restarts"`
	Created   time.Time    `json:"created"`
	Image     string       `json:"image"`
	State     verify.State `json:"state"`
}

func newStatus(streams genericiooptions.IOStreams) *cobra.Command {
	v := newClusterVerb(streams)
	var watch bool
	cmd := &cobra.Command{
		Use:     "status [flags]",
		Short:   "List the pods that have PCP",
		Long:    statusHelp,
		Example: statusExamples,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := interruptible(cmd)
			defer stop()
			return v.status(ctx, watch)
		},
	}
	v.addFlags(cmd)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show the list again whenever it has changed")
	return cmd
}

func (v *clusterVerb) status(ctx context.Context, watch bool) error {
	reader, namespaces, err := v.namespaces(ctx)
	if err != nil {
		return err
	}
	var shown []podStatus
	for first := true; ; first = false {
		list, err := v.list(ctx, reader, namespaces)
		if ctx.Err() != nil && watch {
			return nil // Ctrl-C is how it ends
		}
		if err != nil {
			return &verbError{exitInput, err}
		}
		if first || !equality.Semantic.DeepEqual(list, shown) {
			if err := v.showStatus(list); err != nil {
				return &verbError{exitInput, err}
			}
		}
		if shown = list; !watch {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchPeriod):
		}
	}
}

func (v *clusterVerb) list(ctx context.Context, reader *snapshot.Reader, namespaces []string) ([]podStatus, error) {
	list := []podStatus{}
	for _, namespace := range namespaces {
		live, err := reader.ReadLive(ctx, namespace)
		if err != nil {
			return nil, err
		}
		for n := range live.Pods {
			line, err := statusOf(&live.Pods[n], live)
			if err != nil {
				return nil, err
			}
			list = append(list, *line)
		}
	}
	return list, nil
}

func statusOf(pod *snapshot.LivePod, live *snapshot.Live) (*podStatus, error) {
	var typed corev1.Pod
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(pod.Pod.Object, &typed); err != nil {
		return nil, fmt.Errorf("failed to read pod %s: %w", pod.Pod.GetName(), err)
	}
	state, _, err := verify.Pod(pod, live.Config, programVersion())
	if err != nil {
		return nil, fmt.Errorf("pod %s: %w", typed.Name, err)
	}
	line := &podStatus{Namespace: typed.Namespace, Pod: typed.Name, Node: typed.Spec.NodeName, Created: typed.CreationTimestamp.Time, State: state}
	for _, containers := range [][]corev1.Container{typed.Spec.Containers, typed.Spec.InitContainers} {
		for n := range containers {
			if containers[n].Name == mutate.ContainerName {
				line.Image = containers[n].Image
			}
		}
	}
	for _, statuses := range [][]corev1.ContainerStatus{typed.Status.ContainerStatuses, typed.Status.InitContainerStatuses} {
		for n := range statuses {
			if statuses[n].Name == mutate.ContainerName {
				line.Ready, line.Restarts = statuses[n].Ready, statuses[n].RestartCount
			}
		}
	}
	return line, nil
}

func (v *clusterVerb) showStatus(list []podStatus) error {
	if v.output != "" {
		return writeObject(v.streams.Out, v.output, map[string]any{"pods": list})
	}
	if len(list) == 0 {
		fmt.Fprintln(v.streams.ErrOut, "No pods with PCP were found.")
		return nil
	}
	table := printers.GetNewTabWriter(v.streams.Out)
	fmt.Fprintln(table, "NAMESPACE\tPOD\tNODE\tREADY\tRESTARTS\tAGE\tIMAGE\tSTATE")
	for _, line := range list {
		fmt.Fprintf(table, "%s\t%s\t%s\t%t\t%d\t%s\t%s\t%s\n", line.Namespace, line.Pod, line.Node, line.Ready, line.Restarts,
			duration.HumanDuration(time.Since(line.Created)), line.Image, line.State)
	}
	if err := table.Flush(); err != nil {
		return fmt.Errorf("failed to write the list: %w", err)
	}
	return nil
}
