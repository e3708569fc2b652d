package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/performancecopilot/pcp-injector/test/e2e/node"
)

const (
	startLimit  = 2 * time.Minute
	metricLimit = 2 * time.Minute
	// sourceAnnotation and sourceConfigMap are where the two OpenMetrics sources of the test come from.
	sourceAnnotation = "openmetrics.pcp.io/from-annotation"
	sourceConfigMap  = "pcp-openmetrics"
)

// monitor is the life of one node monitor with the default configuration, from its creation to its deletion.
type monitor struct {
	*scene

	pod *corev1.Pod
	// archive is a volume of archives from before the pod was replaced.
	archive string
}

func TestNodeMonitor(t *testing.T) {
	t.Parallel()
	m := &monitor{scene: newScene(t, "")}
	before := node.HostState()
	sources := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: sourceConfigMap}, Data: map[string]string{"from_configmap.url": "http://localhost:9100/123\n"}}
	if _, err := m.client.CoreV1().ConfigMaps(m.namespace).Create(t.Context(), sources, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	m.pod = m.deploy(nodeMonitor(map[string]string{sourceAnnotation: "http://localhost:9100/1\n"}))
	for _, step := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"Entrypoint", m.entrypoint},
		{"AnotherPod", m.anotherPod},
		{"Environments", m.environments},
		{"OpenMetrics", m.openMetrics},
		{"ChangedAnnotation", m.changedAnnotation},
		{"Archive", m.archived},
		{"Restart", m.restart},
		{"Replacement", m.replacement},
		{"Deletion", m.deletion},
	} {
		if !t.Run(step.name, step.run) {
			t.FailNow() // What follows builds on it.
		}
	}
	if after := node.HostState(); after != before {
		t.Errorf("the node changed from\n%s\nto\n%s", before, after)
	}
}

// pcp runs a command in the PCP container.
func (m *monitor) pcp(command ...string) (string, error) { return m.in(m.pod.Name, "pcp", command...) }

// entrypoint: the args end in systemd as process 1, all services run, and pmcd's environment has the drop-in's setting.
func (m *monitor) entrypoint(t *testing.T) {
	t.Helper()
	output, err := m.pcp("sh", "-c", `cat /proc/1/comm && tr '\0' '\n' <"/proc/$(pidof pmcd)/environ" | grep '^PROC_ACCESS='`)
	if err != nil || output != "systemd\nPROC_ACCESS=0\n" {
		t.Errorf("process 1 and pmcd's environment are %q, want systemd and PROC_ACCESS=0 (error: %v)", output, err)
	}
	eventually(t, startLimit, "all services", func() error {
		output, err := m.pcp("systemctl", "is-active", "pmcd", "pmie", "pmlogger", "pmproxy")
		if want := strings.Repeat("active\n", 4); output != want {
			return fmt.Errorf("the services are %q: %w", output, err)
		}
		return nil
	})
}

// anotherPod reaches pmcd and pmproxy. The test's CNI plugins enforce no NetworkPolicy: that the chart's allows this is not shown.
func (m *monitor) anotherPod(t *testing.T) {
	t.Helper()
	eventually(t, startLimit, "pmcd's answer", func() error {
		output, err := m.ask("pminfo", "-h", m.pod.Status.PodIP, "-f", "kernel.all.load")
		if err == nil && !strings.Contains(output, `"1 minute"] value `) {
			err = errors.New(output)
		}
		return err
	})
	for path, want := range map[string]string{
		"/metrics?names=kernel.all.load": "kernel_all_load{", "/pmapi/fetch?names=kernel.all.load": `"instances":[{"instance":1,`,
	} {
		eventually(t, startLimit, "pmproxy's answer", func() error {
			output, err := m.fetch(m.pod, path)
			if err == nil && !strings.Contains(output, want) {
				err = fmt.Errorf("%s answers %s", path, output)
			}
			return err
		})
	}
}

// environments of processes hold secrets: another pod cannot read them.
func (m *monitor) environments(t *testing.T) {
	t.Helper()
	output, err := m.ask("pminfo", "-h", m.pod.Status.PodIP, "-f", "proc.psinfo.environ")
	if err == nil && strings.Contains(output, " value ") || !strings.Contains(output, "No permission") {
		t.Errorf("another pod reads environments: %s (error: %v)", output, err)
	}
}

// openMetrics: one source comes from the pod's annotation, one from the ConfigMap, both with the exporter's value.
func (m *monitor) openMetrics(t *testing.T) {
	t.Helper()
	m.awaitValue(t, "openmetrics.from_annotation.answer", 2)
	m.awaitValue(t, "openmetrics.from_configmap.answer", 4)
}

func (m *monitor) awaitValue(t *testing.T, metric string, want int) {
	t.Helper()
	eventually(t, metricLimit, metric, func() error {
		output, err := m.ask("pminfo", "-h", m.pod.Status.PodIP, "-f", metric)
		if err == nil && !strings.Contains(output, fmt.Sprintf("value %d\n", want)) {
			err = fmt.Errorf("got %q, want the value %d", output, want)
		}
		return err
	})
}

// changedAnnotation: the agent reads the new source without a restart.
func (m *monitor) changedAnnotation(t *testing.T) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{sourceAnnotation: "http://localhost:9100/123456\n"}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.client.CoreV1().Pods(m.namespace).Patch(t.Context(), m.pod.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	m.awaitValue(t, "openmetrics.from_annotation.answer", 7)
	m.requireRestarts(t, 0)
}

func (m *monitor) requireRestarts(t *testing.T, want int32) {
	t.Helper()
	pod, err := m.client.CoreV1().Pods(m.namespace).Get(t.Context(), m.pod.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := statusOf(pod).RestartCount; got != want {
		t.Errorf("PCP was restarted %d times, want %d", got, want)
	}
}
