package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// livenessPeriod is that of the liveness probe.
const livenessPeriod = 10 * time.Second

// TestRecovery: whatever dies comes back by itself, and at no time is there a pod that asked for PCP and has none. It does not run
// beside other tests, whose pods it would disturb.
func TestRecovery(t *testing.T) {
	requireNode(t)
	newest := here.pcp[len(here.pcp)-1]
	m := &monitor{scene: newScene(t, newest.Name), host: "node-monitor", service: "node-monitor-pcp"}
	r := m.installInjector("")
	without := m.watchWithout()
	m.pod = m.deploy(nodeMonitor(nil))
	m.anotherPod(t)
	m.live([]step{
		{"Etcd", m.etcdDies},
		{"Node", m.nodeDies},
		{"Reboot", m.nodeReboots},
		{"Webhook", func(t *testing.T) { t.Helper(); m.webhookDies(t, r) }},
	})
	if names := without(); len(names) > 0 {
		t.Errorf("pods that asked for PCP were created without: %v", names)
	}
}

// watchWithout looks for pods that asked for PCP and have none. The result ends that, and returns their names.
func (s *scene) watchWithout() func() []string {
	ctx, cancel := context.WithCancel(s.t.Context())
	found := map[string]bool{}
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			pods, err := s.client.CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
			if err != nil {
				pods = &corev1.PodList{} // The API server is not there at times.
			}
			for _, pod := range pods.Items {
				if pod.Annotations["pcp.io/inject"] == "true" && !hasPCP(&pod) {
					found[pod.Name] = true
				}
			}
			<-time.After(50 * time.Millisecond)
		}
	})
	return func() []string {
		cancel()
		done.Wait()
		names := make([]string, 0, len(found))
		for name := range found {
			names = append(names, name)
		}
		return names
	}
}

func hasPCP(pod *corev1.Pod) bool {
	for _, container := range pod.Spec.Containers {
		if container.Name == "pcp" {
			return true
		}
	}
	return false
}

// etcdDies: the pod does not notice; a new one is injected.
func (m *monitor) etcdDies(t *testing.T) {
	t.Helper()
	if err := here.node.Plane.RestartEtcd(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, startLimit, "the API server", func() error {
		err := m.client.CoreV1().Pods(m.namespace).Delete(t.Context(), m.pod.Name, metav1.DeleteOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return err
	})
	m.pod = m.awaitReady(string(m.pod.UID))
	m.anotherPod(t)
}

// nodeDies: without kubelet and containerd PCP goes on, and goes on with them.
func (m *monitor) nodeDies(t *testing.T) {
	t.Helper()
	// When process 1 of the container was started; see proc_pid_stat(5).
	begun := func() string {
		output, err := m.pcp("cut", "-d", " ", "-f", "22", "/proc/1/stat")
		if err != nil {
			t.Fatal(err)
		}
		return output
	}
	before := begun()
	if err := here.node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.anotherPod(t)
	<-time.After(livenessPeriod + time.Second) // The new kubelet probes all containers first.
	m.anotherPod(t)
	if after := begun(); after != before {
		t.Errorf("PCP was started again: at %s, before at %s", after, before)
	}
	m.requireRestarts(t, 0)
}

// nodeReboots: all containers die with the node; PCP comes back, in the folder in which it was.
func (m *monitor) nodeReboots(t *testing.T) {
	t.Helper()
	var before []string
	eventually(t, archiveLimit, "an archive", func() (err error) { before, err = m.archives(); return err })
	if err := here.node.Reboot(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, startLimit, "PCP's new container", func() error {
		pod, err := m.client.CoreV1().Pods(m.namespace).Get(t.Context(), m.pod.Name, metav1.GetOptions{})
		if err == nil && statusOf(pod).RestartCount == 0 {
			err = errors.New("it is the old one")
		}
		if err == nil {
			err, m.pod = ready(pod), pod
		}
		return err
	})
	m.anotherPod(t)
	eventually(t, archiveLimit, "the archives", func() error { return m.grown(before) })
}

// webhookDies: all replicas die again and again while pods are created. The pods need not run: no node is good enough for them. The
// last one does.
func (m *monitor) webhookDies(t *testing.T, r *release) {
	t.Helper()
	idle := nodeMonitor(nil)
	idle.Spec.Template.Spec.NodeSelector = map[string]string{"node": "none"}
	m.update(t, idle)
	ctx, cancel := context.WithCancel(t.Context())
	var killer sync.WaitGroup
	killer.Go(func() {
		for ctx.Err() == nil {
			m.killAll(ctx, r.namespace, metav1.ListOptions{})
			<-time.After(time.Second)
		}
	})
	began := metav1.Now()
	eventually(t, startLimit, "pods that are rejected for want of the webhook", func() error {
		m.killAll(ctx, m.namespace, metav1.ListOptions{LabelSelector: m.selector})
		return m.rejected(ctx, began)
	})
	cancel()
	killer.Wait()
	eventually(t, startLimit, "a pod, without any more ado", func() error {
		pods, err := m.client.CoreV1().Pods(m.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: m.selector})
		if err == nil && (len(pods.Items) != 1 || !hasPCP(&pods.Items[0])) {
			err = fmt.Errorf("%d pods are PCP's", len(pods.Items))
		}
		return err
	})
	m.update(t, nodeMonitor(nil))
	m.pod = m.awaitReady("")
	m.anotherPod(t)
}

// update replaces the Deployment.
func (m *monitor) update(t *testing.T, deployment *appsv1.Deployment) {
	t.Helper()
	if _, err := m.client.AppsV1().Deployments(m.namespace).Update(t.Context(), deployment, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// killAll deletes pods at once. That it fails at times does not matter: it is tried again.
func (m *monitor) killAll(ctx context.Context, namespace string, which metav1.ListOptions) {
	_ = m.client.CoreV1().Pods(namespace).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}, which)
}

// rejected reports whether a pod could not be created since then for want of the webhook.
func (m *monitor) rejected(ctx context.Context, since metav1.Time) error {
	events, err := m.client.CoreV1().Events(m.namespace).List(ctx, metav1.ListOptions{FieldSelector: "reason=FailedCreate"})
	if err != nil {
		return err
	}
	for _, event := range events.Items {
		if strings.Contains(event.Message, "failed calling webhook") && !event.LastTimestamp.Before(&since) {
			return nil
		}
	}
	return errors.New("none was rejected")
}
