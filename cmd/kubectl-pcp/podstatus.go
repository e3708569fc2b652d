package main

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"

	"github.com/performancecopilot/pcp-injector/internal/pmproxy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/verify"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

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
	// Version of PCP, and its Sources of OpenMetrics; empty and nil if pmproxy could not be asked.
	Version string           `json:"version,omitempty"`
	Sources []pmproxy.Source `json:"sources,omitempty"`
	// Archives is nil if they could not be measured.
	Archives *archives `json:"archives,omitempty"`
	// Unknown says why some of these are not known.
	Unknown []string `json:"unknown,omitempty"`

	running bool
}

// archives are pmlogger's archives of all days.
type archives struct {
	Files int64 `json:"files"`
	Bytes int64 `json:"bytes"`
	// Written is when the newest archive was last written.
	Written *time.Time `json:"written,omitempty"`
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
	line := &podStatus{Namespace: typed.Namespace, Pod: typed.Name, Node: typed.Spec.NodeName, Created: typed.CreationTimestamp.Time, Image: pod.Image(), State: state}
	for _, statuses := range [][]corev1.ContainerStatus{typed.Status.ContainerStatuses, typed.Status.InitContainerStatuses} {
		for n := range statuses {
			if statuses[n].Name == mutate.ContainerName {
				line.Ready, line.Restarts, line.running = statuses[n].Ready, statuses[n].RestartCount, statuses[n].State.Running != nil
			}
		}
	}
	return line, nil
}

const (
	// askLimit is how long to wait for one pod: the API server, the kubelet and PCP are involved.
	askLimit = 5 * time.Second
	// askAtOnce is how many pods to ask at the same time.
	askAtOnce = 16
)

// askAll asks PCP in all pods about itself. What cannot be found out stays unknown, with the reason.
func askAll(ctx context.Context, access *rest.Config, reader *snapshot.Reader, list []podStatus) {
	var group errgroup.Group
	group.SetLimit(askAtOnce)
	for n := range list {
		group.Go(func() error {
			list[n].ask(ctx, access, reader)
			return nil
		})
	}
	_ = group.Wait()
}

func (p *podStatus) ask(ctx context.Context, access *rest.Config, reader *snapshot.Reader) {
	if !p.running {
		p.Unknown = []string{"PCP's container is not running"}
		return
	}
	ctx, stop := context.WithTimeoutCause(ctx, askLimit, fmt.Errorf("waited %s for an answer", askLimit))
	defer stop()
	var state *pmproxy.State
	var found *snapshot.Archives
	var problems [2]error
	var group errgroup.Group
	group.Go(func() error { state, problems[0] = stateOf(ctx, access, p); return nil })
	group.Go(func() error { found, problems[1] = reader.ReadArchives(ctx, p.Namespace, p.Pod); return nil })
	_ = group.Wait()
	if state != nil {
		p.Version, p.Sources = state.Version, state.Sources
	}
	if found != nil {
		p.Archives = &archives{Files: found.Files, Bytes: found.Bytes}
		if found.Files > 0 {
			p.Archives.Written = &found.Newest
		}
	}
	for n, what := range []string{"PCP's version and sources are", "the archives' size is"} {
		if problems[n] != nil {
			p.Unknown = append(p.Unknown, what+" "+unseen(problems[n]))
		}
	}
}

func stateOf(ctx context.Context, access *rest.Config, p *podStatus) (*pmproxy.State, error) {
	client, err := pmproxy.Dial(ctx, access, p.Namespace, p.Pod)
	if err != nil {
		return nil, err
	}
	defer client.Close()
	state, err := client.State(ctx)
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return state, err //nolint:wrapcheck // unseen says what it means
}

func unseen(err error) string {
	read := snapshot.Read[bool]{Err: err}
	if read.Missing() {
		return "unknown, because the pod is gone"
	}
	return read.Unseen()
}
