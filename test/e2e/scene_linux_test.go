package e2e_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/performancecopilot/pcp-injector/internal/podexec"
)

// The limits are for machines much slower than this one: what passes does not wait for them.
const (
	startLimit  = 10 * time.Minute
	metricLimit = 10 * time.Minute
	endLimit    = 4 * time.Minute
	// commandLimit is for one command in a container, where a busy node takes seconds to start it.
	commandLimit = time.Minute
)

// scene is a namespace that has opted in, with a pod to ask PCP from.
type scene struct {
	t         *testing.T
	client    kubernetes.Interface
	namespace string
	// namespaces are the scene's own and those of what serves it.
	namespaces []string
	// image is that of PCP.
	image string
	// selector finds PCP's pod.
	selector string
	releases []*release
	// alone is set where the next test must not meet anything of this one.
	alone bool
	// hasNodePorts is set where the next test's PCP needs the ports that this one's has.
	hasNodePorts bool
}

func newScene(t *testing.T, image string) *scene {
	t.Helper()
	requireSite(t)
	s := &scene{
		t: t, client: here.client, image: image, selector: "pcp.io/injected=true",
		namespace: strings.ToLower(strings.NewReplacer("/", "-", ".", "-").Replace(t.Name())),
	}
	t.Cleanup(s.end)
	s.makeNamespace(s.namespace, map[string]string{"pcp.io/injection": "enabled", "pod-security.kubernetes.io/enforce": "privileged"})
	s.create(runs("asker", "sleep", "infinity"))
	return s
}

func (s *scene) makeNamespace(name string, labels map[string]string) {
	s.t.Helper()
	s.namespaces = append(s.namespaces, name)
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if _, err := s.client.CoreV1().Namespaces().Create(s.t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, startLimit, "a service account for pods", func() error {
		_, err := s.client.CoreV1().ServiceAccounts(name).Get(s.t.Context(), "default", metav1.GetOptions{})
		return err
	})
}

// end describes the pods if the test failed, and removes all, so it does not compete with other tests.
func (s *scene) end() {
	ctx, cancel := context.WithTimeout(context.Background(), endLimit)
	defer cancel()
	if s.t.Failed() {
		s.tell(ctx)
	}
	for _, r := range s.releases {
		r.uninstall(ctx)
	}
	// What Helm keeps for live pods is the cluster's, and does not go with the namespace.
	if _, err := s.kubectl(ctx, "delete", "validatingadmissionpolicies,validatingadmissionpolicybindings", "--selector", "pcp.io/target-namespace="+s.namespace); err != nil {
		s.t.Error(err)
	}
	if s.hasNodePorts {
		if _, err := s.kubectl(ctx, "delete", "deployments,pods", "--all", "--cascade=foreground", "--wait"); err != nil {
			s.t.Error(err)
		}
	}
	wait := fmt.Sprintf("--wait=%t", s.alone || here.node == nil)
	if _, err := s.kubectl(ctx, append([]string{"delete", "namespaces", wait}, s.namespaces...)...); err != nil {
		s.t.Error(err)
	}
}

func (s *scene) tell(ctx context.Context) {
	for _, namespace := range s.namespaces {
		for _, arguments := range [][]string{{"describe", "pods"}, {"get", "events"}, {"logs", "--selector=!none", "--all-containers", "--prefix", "--tail=50"}} {
			output, _ := s.kubectl(ctx, append(arguments, "--namespace", namespace)...)
			s.t.Logf("kubectl %s\n%s", strings.Join(arguments, " "), output)
		}
	}
	const state = "pminfo -f pmcd.agent.status openmetrics; ls /var/lib/pcp/pmdas/*/.NeedInstall; tail -n 60 /var/log/pcp/pmcd/pmcd.log /var/log/pcp/pmcd/openmetrics.log; " +
		"head -n 5 /var/log/pcp/pmlogger/*/pmlogger.log; grep -n 'openmetrics\\|changed at' /var/log/pcp/pmlogger/*/pmlogger.log; echo query openmetrics | pmlc -P; tail -n 5 /var/log/pcp/pmlogger/*/pmlogger.log.prev; " +
		"journalctl | grep -v mount: | tail -n 60"
	pods, _ := s.kubectl(ctx, "get", "pods", "--selector", s.selector, "--output", "name")
	for pod := range strings.FieldsSeq(pods) {
		output, _ := s.kubectl(ctx, "exec", pod, "--container", "pcp", "--", "sh", "-c", "exec 2>&1; "+state)
		s.t.Logf("%s in %s\n%s", state, pod, output)
	}
}

func (s *scene) create(pod *corev1.Pod) {
	s.t.Helper()
	if _, err := s.client.CoreV1().Pods(s.namespace).Create(s.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// awaitReady returns PCP's one pod, which is not the one with the given UID, when it is ready.
func (s *scene) awaitReady(not string) (found *corev1.Pod) {
	s.t.Helper()
	eventually(s.t, startLimit, "pod ready", func() error {
		pods, err := s.client.CoreV1().Pods(s.namespace).List(s.t.Context(), metav1.ListOptions{LabelSelector: s.selector})
		if err != nil {
			return err
		}
		if len(pods.Items) != 1 || string(pods.Items[0].UID) == not {
			return fmt.Errorf("%d pods are PCP's, or the old one is still there", len(pods.Items))
		}
		found = &pods.Items[0]
		return ready(found)
	})
	return found
}

func (s *scene) kubectl(ctx context.Context, arguments ...string) (string, error) {
	return execute(ctx, here.kubectl, append([]string{"--kubeconfig", here.kubeconfig, "--namespace", s.namespace}, arguments...)...)
}

func execute(ctx context.Context, command string, arguments ...string) (string, error) {
	var output, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, command, arguments...)
	cmd.Stdout, cmd.Stderr = &output, &problems
	if err := cmd.Run(); err != nil {
		return output.String(), fmt.Errorf("%s %s: %w: %s%s", command, strings.Join(arguments, " "), err, output.String(), problems.String())
	}
	return output.String(), nil
}

// in runs a command in a pod's container, with a limit, and returns what it prints.
func (s *scene) in(pod, container string, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), commandLimit)
	defer cancel()
	var output, problems bytes.Buffer
	err := podexec.Run(ctx, s.client, here.access, podexec.Container{Namespace: s.namespace, Pod: pod, Name: container}, &output, &problems, command...)
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s in %s of %s: %w", strings.Join(command, " "), container, pod, err)
	}
	if err != nil {
		return output.String(), fmt.Errorf("%s in %s of %s: %w: %s%s", strings.Join(command, " "), container, pod, err, output.String(), problems.String())
	}
	return output.String(), nil
}

// ask runs a command in the pod that is not PCP's.
func (s *scene) ask(command ...string) (string, error) { return s.in("asker", "asker", command...) }

// fetch asks a pod's pmproxy from another pod. An answer that breaks off in the middle, as pmproxy's do when they are long, is one too.
func (s *scene) fetch(pod *corev1.Pod, path string) (string, error) {
	const script = `
import http.client, sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
except http.client.IncompleteRead as broken:
    print(broken.partial.decode())
`
	return s.ask("python3", "-c", script, "http://"+pod.Status.PodIP+":44322"+path)
}

// awaitValue waits for a metric with one value.
func (s *scene) awaitValue(t *testing.T, pod *corev1.Pod, metric string, want int) {
	t.Helper()
	eventually(t, metricLimit, metric, func() error {
		output, err := s.ask("pminfo", "-h", pod.Status.PodIP, "-f", metric)
		if err == nil && !strings.Contains(output, fmt.Sprintf("value %d\n", want)) {
			err = fmt.Errorf("got %q, want the value %d", output, want)
		}
		return err
	})
}

func ready(pod *corev1.Pod) error {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return errors.New("the pod is not ready")
}

// statusOf is that of the pod's PCP container.
func statusOf(pod *corev1.Pod) corev1.ContainerStatus {
	for _, status := range pod.Status.ContainerStatuses {
		if status.Name == "pcp" {
			return status
		}
	}
	return corev1.ContainerStatus{}
}

// eventually repeats a check until it succeeds, and fails the test after the limit. A check that costs much, such as a command in a
// container, rests twice as long as it took, and one that has waited for long rests longer: it would keep the CPU from what it waits for.
func eventually(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	began := time.Now()
	for {
		checked := time.Now()
		err := check()
		if err == nil {
			t.Logf("%s: %s", what, time.Since(began).Round(100*time.Millisecond))
			return
		}
		if time.Since(began) > limit {
			t.Fatalf("waited %s for %s in vain: %v", limit, what, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(max(500*time.Millisecond, 2*time.Since(checked), time.Since(began)/10)):
		}
	}
}
