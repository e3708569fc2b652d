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

// TestClusterWorks: the guard is in nobody's way who keeps the cluster running: kubelet, eviction, garbage collection, the controllers
// that adopt what was orphaned, and the end of a namespace.
func TestClusterWorks(t *testing.T) {
	t.Parallel()
	r, pod := started(t, "helm", "config.openMetrics.endpoints.app.url=http://localhost:9100/metrics")
	r.reportStatus(pod)
	r.evict(pod)
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
