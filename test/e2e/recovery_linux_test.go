package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRecovery: whatever dies comes back by itself, and at no time is there a pod that asked for PCP and has none. It does not run
// beside other tests, whose pods it would disturb.
func TestRecovery(t *testing.T) {
	requireNode(t)
	s := newScene(t, here.pcp[0].Name)
	r := s.installInjector("")
	without := s.watchWithout()
	m := &monitor{scene: s, host: "node-monitor", sources: map[string]int{}}
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
				continue // The API server is not there at times.
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
		return m.client.CoreV1().Pods(m.namespace).Delete(t.Context(), m.pod.Name, metav1.DeleteOptions{})
	})
	m.pod = m.awaitReady(string(m.pod.UID))
	m.anotherPod(t)
}

// nodeDies: without kubelet and containerd PCP goes on, and goes on with them.
func (m *monitor) nodeDies(t *testing.T) {
	t.Helper()
	if err := here.node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.anotherPod(t)
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
	eventually(t, archiveLimit, "the archives", func() error {
		archives, err := m.archives()
		if err == nil && (len(archives) <= len(before) || archives[0] != before[0]) {
			err = fmt.Errorf("the archives are %v, before they were %v", archives, before)
		}
		return err
	})
}

// webhookDies: all replicas die again and again while pods are created. The pods need not run: no node is good enough for them.
func (m *monitor) webhookDies(t *testing.T, r *release) {
	t.Helper()
	idle := nodeMonitor(nil)
	idle.Spec.Template.Spec.NodeSelector = map[string]string{"node": "none"}
	if _, err := m.client.AppsV1().Deployments(m.namespace).Update(t.Context(), idle, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var killer sync.WaitGroup
	killer.Go(func() {
		for ctx.Err() == nil {
			_ = m.client.CoreV1().Pods(r.namespace).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}, metav1.ListOptions{})
			<-time.After(time.Second)
		}
	})
	const attempts = 10
	for range attempts {
		if err := m.client.CoreV1().Pods(m.namespace).DeleteCollection(ctx, metav1.DeleteOptions{GracePeriodSeconds: new(int64(0))}, metav1.ListOptions{LabelSelector: m.selector}); err != nil {
			t.Error(err)
		}
		<-time.After(500 * time.Millisecond)
	}
	cancel()
	killer.Wait()
	m.requireRejections(t)
	eventually(t, startLimit, "a pod, without any more ado", func() error {
		pods, err := m.client.CoreV1().Pods(m.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: m.selector})
		if err == nil && (len(pods.Items) != 1 || !hasPCP(&pods.Items[0])) {
			err = fmt.Errorf("%d pods are PCP's", len(pods.Items))
		}
		return err
	})
}

// requireRejections: some pod could not be created for want of the webhook, or this shows nothing.
func (m *monitor) requireRejections(t *testing.T) {
	t.Helper()
	events, err := m.client.CoreV1().Events(m.namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "reason=FailedCreate"})
	if err != nil {
		t.Fatal(err)
	}
	for _, event := range events.Items {
		if strings.Contains(event.Message, "failed calling webhook") {
			return
		}
	}
	t.Error("no pod was rejected while the webhook was dead")
}
