package charts_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/performancecopilot/pcp-injector/test/injector"
)

const (
	kubeletPeriod = 250 * time.Millisecond
	heartbeat     = 10 * time.Second
	// secretPeriod is how long a changed Secret takes to reach its pods: long after the cainjector has changed the caBundle, as in a
	// cluster, where it takes up to a minute and a half.
	secretPeriod = 3 * time.Second
)

// kubelet stands in for the kubelet of one node, for the pods of the webhook alone. It runs the container of each as a process of this
// machine, with the container's arguments, ConfigMap and Secret; probes its readiness as the pod says; ends it with SIGTERM when the
// pod is deleted; and starts it again when it dies. The liveness probe is left out: by default it takes half a minute to fail. The pod of
// the chart's Job runs once.
type kubelet struct {
	t      *testing.T
	client kubernetes.Interface
	node   string
	group  sync.WaitGroup

	mutex    sync.Mutex
	pods     map[types.UID]bool // that it has seen
	running  map[types.UID]*injector.Injector
	balancer *balancer
}

// podProcess is a pod and what runs in it. Its goroutine alone uses it.
type podProcess struct {
	kubelet *kubelet
	pod     *corev1.Pod
	ip      string
	process *injector.Injector

	ready    bool
	failures int32 // of the readiness probe, in a row
	restarts int32
	reported string // the status that the API server has
	probed   time.Time
	mounted  time.Time
	files    map[string][]byte
}

// startKubelet adds the node, to which only pods that select it and tolerate its taint go.
func startKubelet(t *testing.T, node string) *kubelet {
	t.Helper()
	k := &kubelet{
		t: t, client: plane.Client(), node: node, pods: map[types.UID]bool{}, running: map[types.UID]*injector.Injector{},
		balancer: newBalancer(),
	}
	object := &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: node, Labels: map[string]string{corev1.LabelHostname: node, corev1.LabelOSStable: "linux"}},
		Spec:       corev1.NodeSpec{Taints: []corev1.Taint{{Key: node, Effect: corev1.TaintEffectNoSchedule}}},
	}
	if _, err := k.client.CoreV1().Nodes().Create(t.Context(), object, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	k.group.Go(func() { k.beat(ctx) })
	k.group.Go(func() { k.watch(ctx) })
	t.Cleanup(func() {
		stop()
		k.group.Wait()
		if err := k.client.CoreV1().Nodes().Delete(context.WithoutCancel(ctx), node, metav1.DeleteOptions{}); err != nil {
			t.Error(err)
		}
	})
	return k
}

// values send the webhook's pods to the node.
func (k *kubelet) values() []string {
	return []string{"nodeSelector.kubernetes\\.io/hostname=" + k.node, "tolerations[0].key=" + k.node, "tolerations[0].operator=Exists"}
}

// beat keeps the node Ready.
func (k *kubelet) beat(ctx context.Context) {
	for ctx.Err() == nil {
		now := metav1.Now()
		capacity := corev1.ResourceList{
			corev1.ResourceCPU: resource.MustParse("16"), corev1.ResourceMemory: resource.MustParse("16Gi"), corev1.ResourcePods: resource.MustParse("110"),
		}
		status := corev1.NodeStatus{
			Capacity: capacity, Allocatable: capacity,
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "StandIn", LastHeartbeatTime: now, LastTransitionTime: now}},
		}
		// While the API server is away, the node outlives a few missed heartbeats.
		_, _ = k.client.CoreV1().Nodes().Patch(ctx, k.node, types.StrategicMergePatchType, patchStatus(status), metav1.PatchOptions{}, "status")
		pause(ctx, heartbeat)
	}
}

func patchStatus(status any) []byte {
	patch, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		panic(err) // The types are Kubernetes' own.
	}
	return patch
}

func pause(ctx context.Context, period time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(period):
	}
}

// watch looks after each pod in a goroutine of its own.
func (k *kubelet) watch(ctx context.Context) {
	for ; ctx.Err() == nil; pause(ctx, kubeletPeriod) {
		pods, err := k.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + k.node})
		if err != nil {
			continue
		}
		for _, pod := range pods.Items {
			k.adopt(ctx, &pod)
		}
	}
}

func (k *kubelet) adopt(ctx context.Context, pod *corev1.Pod) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if k.pods[pod.UID] {
		return
	}
	n := len(k.pods)
	k.pods[pod.UID] = true
	p := &podProcess{kubelet: k, pod: pod, ip: fmt.Sprintf("10.245.%d.%d", n/250, n%250+1)}
	k.group.Go(func() { p.live(ctx) })
}

// processes are those of the pods that are Ready.
func (k *kubelet) processes() []*injector.Injector {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	return slices.Collect(maps.Values(k.running))
}

// live looks after the pod until it is deleted, or the context is done. What fails, as all does while the API server is away, is tried
// again.
func (p *podProcess) live(ctx context.Context) {
	defer p.end(ctx)
	for ; ctx.Err() == nil; pause(ctx, kubeletPeriod) {
		pod, err := p.kubelet.client.CoreV1().Pods(p.pod.Namespace).Get(ctx, p.pod.Name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && (pod.UID != p.pod.UID || pod.DeletionTimestamp != nil) {
			return
		}
		if p.pod.Spec.RestartPolicy == corev1.RestartPolicyNever {
			err = p.complete(ctx)
		} else if err = p.keepRunning(ctx); err == nil {
			p.probe(ctx)
			err = p.mount(ctx)
		}
		if err != nil && ctx.Err() == nil {
			p.kubelet.t.Logf("pod %s: %v", p.pod.Name, err)
		}
		p.report(ctx)
	}
}

// complete runs the pod of a Job, once.
func (p *podProcess) complete(ctx context.Context) error {
	if p.reported == "" {
		p.reported = string(corev1.PodSucceeded)
		if said := runCheck(p.kubelet.t, &corev1.PodTemplateSpec{ObjectMeta: p.pod.ObjectMeta, Spec: p.pod.Spec}); said.err != nil {
			p.reported = string(corev1.PodFailed)
		}
	}
	patch := patchStatus(corev1.PodStatus{Phase: corev1.PodPhase(p.reported)})
	_, err := p.kubelet.client.CoreV1().Pods(p.pod.Namespace).Patch(ctx, p.pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// keepRunning starts the process, again if it has died.
func (p *podProcess) keepRunning(ctx context.Context) error {
	if p.process != nil {
		select {
		case <-p.process.Done():
		default:
			return nil
		}
		p.setReady(false)
		p.report(ctx)
		p.restarts++
		if err := p.process.Stop(); err != nil {
			return err
		}
		p.process = nil
	}
	config, files, err := mounts(ctx, p.pod.Namespace, &p.pod.Spec)
	if err != nil {
		return err
	}
	arguments := p.pod.Spec.Containers[0].Args
	// Serve's own --drain gives way to the chart's.
	drain := slices.DeleteFunc(slices.Clone(arguments), func(argument string) bool { return !strings.HasPrefix(argument, "--drain=") })
	p.process, err = injector.Serve(ctx, injector.Options{Command: command, Name: p.pod.Name, Config: config, Arguments: arguments, Flags: drain}, files)
	if err != nil {
		return err
	}
	p.files, p.mounted = files, time.Now()
	p.kubelet.balancer.place(p.ip, p.process.Address())
	return nil
}

// probe asks whether the process is ready, as often as the pod says.
func (p *podProcess) probe(ctx context.Context) {
	probe := p.pod.Spec.Containers[0].ReadinessProbe
	if time.Since(p.probed) < time.Duration(probe.PeriodSeconds)*time.Second {
		return
	}
	p.probed = time.Now()
	ctx, cancel := context.WithTimeout(ctx, time.Duration(probe.TimeoutSeconds)*time.Second)
	defer cancel()
	if p.process.Probe(ctx, probe.HTTPGet.Path) == nil {
		p.failures = 0
		p.setReady(true)
		return
	}
	p.failures++
	if p.failures >= probe.FailureThreshold {
		p.setReady(false)
	}
}

func (p *podProcess) setReady(ready bool) {
	p.ready = ready
	p.kubelet.mutex.Lock()
	defer p.kubelet.mutex.Unlock()
	delete(p.kubelet.running, p.pod.UID)
	if ready {
		p.kubelet.running[p.pod.UID] = p.process
	}
}

// mount replaces the files of the certificate some time after its Secret has changed.
func (p *podProcess) mount(ctx context.Context) error {
	if time.Since(p.mounted) < secretPeriod {
		return nil
	}
	p.mounted = time.Now()
	_, files, err := mounts(ctx, p.pod.Namespace, &p.pod.Spec)
	if err != nil || maps.EqualFunc(files, p.files, bytes.Equal) {
		return err
	}
	p.files = files
	return p.process.SetCertificate(files)
}

// report writes the pod's status, if it is another than before.
func (p *podProcess) report(ctx context.Context) {
	state := fmt.Sprint(p.ready, p.restarts)
	if p.process == nil || state == p.reported {
		return
	}
	ready := corev1.ConditionFalse
	if p.ready {
		ready = corev1.ConditionTrue
	}
	now, container := metav1.Now(), p.pod.Spec.Containers[0]
	status := corev1.PodStatus{
		Phase: corev1.PodRunning, PodIP: p.ip, PodIPs: []corev1.PodIP{{IP: p.ip}}, StartTime: &now,
		Conditions: []corev1.PodCondition{
			{Type: corev1.PodReady, Status: ready, LastTransitionTime: now}, {Type: corev1.ContainersReady, Status: ready, LastTransitionTime: now},
		},
		ContainerStatuses: []corev1.ContainerStatus{{
			Name: container.Name, Image: container.Image, Ready: p.ready, RestartCount: p.restarts,
			State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}},
		}},
	}
	_, err := p.kubelet.client.CoreV1().Pods(p.pod.Namespace).Patch(ctx, p.pod.Name, types.StrategicMergePatchType, patchStatus(status), metav1.PatchOptions{}, "status")
	if err == nil {
		p.reported = state
	}
}

// end ends the process, in order unless the test is over, and lets the pod go.
func (p *podProcess) end(ctx context.Context) {
	p.setReady(false)
	if p.process != nil {
		if ctx.Err() != nil {
			p.process.Kill()
		}
		if err := p.process.Stop(); err != nil {
			p.kubelet.t.Error(err)
		}
	}
	for ; ctx.Err() == nil; pause(ctx, kubeletPeriod) {
		options := metav1.DeleteOptions{GracePeriodSeconds: new(int64(0)), Preconditions: &metav1.Preconditions{UID: &p.pod.UID}}
		err := p.kubelet.client.CoreV1().Pods(p.pod.Namespace).Delete(ctx, p.pod.Name, options)
		if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
			return
		}
	}
}
