package node

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// awaitReady returns when pods can run on the node, and reach and find Services.
func (n *Node) awaitReady(ctx context.Context) error {
	for _, wanted := range []struct {
		what  string
		check func(context.Context) error
	}{
		{"the node to be ready", n.ready},
		{"the kubelet to know its pods", n.kubeletKnowsPods},
		{"the cluster's DNS", n.resolves},
	} {
		if err := n.eventually(ctx, wanted.what, wanted.check); err != nil {
			return err
		}
	}
	return nil
}

// eventually repeats the check until it succeeds, for startLimit at most. It ends early when a daemon or a component of the control
// plane dies.
func (n *Node) eventually(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, stop := context.WithTimeout(ctx, startLimit)
	defer stop()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, one := range n.daemons {
		go func() {
			select {
			case <-one.process.Done():
				cancel(fmt.Errorf("%s died: see its log", one))
			case <-ctx.Done():
			}
		}()
	}
	err := n.Plane.Eventually(ctx, what, check)
	if err != nil && context.Cause(ctx) != nil {
		err = fmt.Errorf("%w: %w", err, context.Cause(ctx))
	}
	return err
}

func (n *Node) ready(ctx context.Context) error {
	node, err := n.Plane.Client().CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && len(node.Spec.Taints) == 0 {
			return nil
		}
	}
	return fmt.Errorf("not ready: conditions %v, taints %v", node.Status.Conditions, node.Spec.Taints)
}

// kubeletKnowsPods succeeds if the kubelet answers, and for all pods that are bound to its node. A kubelet that has just started
// knows none of them, while the API server still shows what the one before reported.
func (n *Node) kubeletKnowsPods(ctx context.Context) error {
	bound, err := n.pods(ctx)
	if err != nil {
		return err
	}
	answer, err := n.Plane.Client().CoreV1().RESTClient().Get().Resource("nodes").Name(Name).SubResource("proxy").Suffix("pods").DoRaw(ctx)
	if err != nil {
		return fmt.Errorf("failed to ask the kubelet: %w", err)
	}
	var known corev1.PodList
	if err := json.Unmarshal(answer, &known); err != nil {
		return fmt.Errorf("failed to read the kubelet's answer: %w", err)
	}
	for _, pod := range bound {
		if !slices.ContainsFunc(known.Items, func(one corev1.Pod) bool { return one.UID == pod.UID }) {
			return fmt.Errorf("it does not know %s/%s", pod.Namespace, pod.Name)
		}
	}
	return nil
}

// pods are those on the node that have not come to their end.
func (n *Node) pods(ctx context.Context) ([]corev1.Pod, error) {
	pods, err := n.Plane.Client().CoreV1().Pods("").List(ctx, metav1.ListOptions{
		FieldSelector: "spec.nodeName=" + Name + ",status.phase!=Succeeded,status.phase!=Failed",
	})
	if err != nil {
		return nil, err
	}
	return pods.Items, nil
}

// noneFrom succeeds if no pod's status shows a container that has run since before the given moment.
func (n *Node) noneFrom(ctx context.Context, moment time.Time) error {
	pods, err := n.pods(ctx)
	if err != nil {
		return err
	}
	for _, pod := range pods {
		for _, status := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
			if running := status.State.Running; running != nil && running.StartedAt.Time.Before(moment.Truncate(time.Second)) {
				return fmt.Errorf("%s of %s/%s is said to run since %s", status.Name, pod.Namespace, pod.Name, running.StartedAt)
			}
		}
	}
	return nil
}

// resolves succeeds if a Service is found by its name.
func (*Node) resolves(ctx context.Context) error {
	resolver := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, net.JoinHostPort(address, "53"))
	}}
	found, err := resolver.LookupHost(ctx, "kubernetes.default.svc.cluster.local.")
	if err == nil && !slices.Contains(found, cluster.ServiceAddress) {
		err = fmt.Errorf("the Service kubernetes has the addresses %v", found)
	}
	return err
}
