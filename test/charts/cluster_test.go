package charts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// TestClusterWorks: the guard is in nobody's way who keeps the cluster running: kubelet, eviction, rollouts, endpoints, garbage
// collection, the controllers that let go of a pod and adopt it, and the end of a namespace.
func TestClusterWorks(t *testing.T) {
	t.Parallel()
	r, pod := started(t, "helm", "config.openMetrics.endpoints.app.url=http://localhost:9100/metrics")
	r.reportStatus(pod)
	r.evict(pod)
	r.rollOut()
	r.relabel()
	r.requireEndpoint()
	r.orphan()
	r.endNamespace()
}

// reportStatus does what a kubelet does with its own credentials.
func (r *release) reportStatus(pod *corev1.Pod) {
	r.t.Helper()
	config, err := plane.ConfigFor("system:node:"+pod.Spec.NodeName, "system:nodes")
	if err != nil {
		r.t.Fatal(err)
	}
	const patch = `{"status":{"conditions":[{"type":"ContainersReady","status":"False","reason":"test"}],"message":"as a kubelet"}}`
	_, err = kubernetes.NewForConfigOrDie(config).CoreV1().Pods(r.target).Patch(r.t.Context(), pod.Name, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	if err != nil {
		r.t.Errorf("the kubelet cannot report the status: %v", err)
	}
}

// evict does what kubectl drain does.
func (r *release) evict(pod *corev1.Pod) {
	r.t.Helper()
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pod.Name}}
	if err := plane.Client().CoreV1().Pods(r.target).EvictV1(r.t.Context(), eviction); err != nil {
		r.t.Fatalf("the pod cannot be evicted: %v", err)
	}
	r.pod("node-monitor", func(found *corev1.Pod) error {
		if found.UID == pod.UID {
			return errors.New("it is the one that was evicted")
		}
		return injected(found)
	})
}

// rollOut has an editor, who has no verb on injections.pcp.io, change the template, go back, and scale down and up.
func (r *release) rollOut() {
	r.t.Helper()
	r.grant("inject")
	as := func(arguments ...string) {
		mustKubectl(r.t, "", append(arguments, "--namespace", r.target, "--as", "alice")...)
	}
	as("set", "image", "deployment/node-monitor", "app=registry.example.com/app:v2")
	r.pod("node-monitor", withApp("registry.example.com/app:v2"))
	as("rollout", "undo", "deployment/node-monitor")
	r.pod("node-monitor", withApp("registry.example.com/app:v1"))
	as("scale", "deployment/node-monitor", "--replicas=0")
	r.eventually("the end of the pods", func(ctx context.Context) error {
		pods, err := plane.Client().CoreV1().Pods(r.target).List(ctx, metav1.ListOptions{LabelSelector: "app=node-monitor"})
		if err == nil && len(pods.Items) > 0 {
			err = fmt.Errorf("there are %d", len(pods.Items))
		}
		return err
	})
	as("scale", "deployment/node-monitor", "--replicas=1")
	before := r.pod("node-monitor", injected)
	as("delete", "replicaset", "--selector", "app=node-monitor", "--wait=false")
	r.pod("node-monitor", func(found *corev1.Pod) error {
		if found.UID == before.UID {
			return errors.New("it is the one of the deleted ReplicaSet")
		}
		return injected(found)
	})
	r.requireOnePod()
}

// relabel has the controller let go of a pod, which the administrator wants, and adopt it again.
func (r *release) relabel() {
	r.t.Helper()
	pod := r.pod("node-monitor", injected)
	mustKubectl(r.t, "", "label", "pod", pod.Name, "app=debugged", "--overwrite", "--namespace", r.target)
	r.eventually("the pod without an owner", func(context.Context) error { return r.owned(pod.Name, 0) })
	r.pod("node-monitor", injected)
	mustKubectl(r.t, "", "label", "pod", pod.Name, "app=node-monitor", "--overwrite", "--namespace", r.target)
	r.requireOnePod()
}

// requireOnePod waits until the controllers have come to rest.
func (r *release) requireOnePod() {
	r.t.Helper()
	r.eventually("one pod", func(ctx context.Context) error {
		pods, err := plane.Client().CoreV1().Pods(r.target).List(ctx, metav1.ListOptions{LabelSelector: "app=node-monitor"})
		if err == nil && len(pods.Items) != 1 {
			err = fmt.Errorf("there are %d", len(pods.Items))
		}
		return err
	})
}

// requireEndpoint fails if the controllers cannot write that PCP's Service leads to the pod, which takes both kinds of endpoints.
func (r *release) requireEndpoint() {
	r.t.Helper()
	r.eventually("the endpoints of the pod", func(ctx context.Context) error {
		pod := r.pod("node-monitor", injected)
		of := metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=node-monitor-pcp"}
		slices, err := plane.Client().DiscoveryV1().EndpointSlices(r.target).List(ctx, of)
		if err != nil {
			return err
		}
		for _, slice := range slices.Items {
			if len(slice.Endpoints) == 1 && slice.Endpoints[0].Addresses[0] == pod.Status.PodIP {
				return nil
			}
		}
		return fmt.Errorf("pod %s has the address %s, and the slices are %+v", pod.Name, pod.Status.PodIP, slices.Items)
	})
	written, err := plane.Client().CoreV1().Endpoints(r.target).Get(r.t.Context(), "node-monitor-pcp", metav1.GetOptions{})
	if err != nil || len(written.Subsets) == 0 {
		r.t.Errorf("the endpoints controller has written %+v (error: %v)", written, err)
	}
}

// orphan has the garbage collector take the owners from ReplicaSet and pod, one after the other, and the controllers adopt them again.
func (r *release) orphan() {
	r.t.Helper()
	before := r.pod("node-monitor", injected)
	replicaSet := r.replicaSet()
	for _, object := range []string{"deployment/node-monitor", "replicaset/" + replicaSet} {
		mustKubectl(r.t, "", "delete", object, "--cascade=orphan", "--namespace", r.target)
	}
	r.eventually("the pod without an owner", func(context.Context) error { return r.owned(before.Name, 0) })
	r.apply(nodeMonitor()).must(r.t)
	r.eventually("the pod with an owner", func(context.Context) error { return r.owned(before.Name, 1) })
	mustKubectl(r.t, "", "delete", "deployment/node-monitor", "--cascade=foreground", "--timeout=30s", "--namespace", r.target)
}

func (r *release) owned(pod string, owners int) error {
	found, err := plane.Client().CoreV1().Pods(r.target).Get(r.t.Context(), pod, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if len(found.OwnerReferences) != owners {
		return fmt.Errorf("it has the owners %v", found.OwnerReferences)
	}
	return nil
}

// endNamespace deletes the namespace with a pod, claims and ConfigMaps in it.
func (r *release) endNamespace() {
	r.t.Helper()
	r.apply(nodeMonitor()).must(r.t)
	r.pod("node-monitor", injected)
	namespaces := plane.Client().CoreV1().Namespaces()
	if err := namespaces.Delete(r.t.Context(), r.target, metav1.DeleteOptions{}); err != nil {
		r.t.Fatal(err)
	}
	r.eventually("the end of the namespace", func(ctx context.Context) error {
		namespace, err := namespaces.Get(ctx, r.target, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is still there (error: %w): %+v", err, namespace.Status)
	})
}
