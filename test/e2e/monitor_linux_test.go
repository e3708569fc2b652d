package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// sourceAnnotation is where one of the OpenMetrics sources of the test comes from.
const sourceAnnotation = "openmetrics.pcp.io/from-annotation"

// monitor is the life of one PCP, from its creation to its deletion.
type monitor struct {
	*scene

	pod *corev1.Pod
	// host is the pod's stable host name, and so the name of the archives' folder.
	host string
	// service is the name of the chart's Service for PCP.
	service string
	// sources are the metrics of the OpenMetrics sources, and their values.
	sources map[string]int
	// frequent are metrics of sources that are archived every second, and rare is one of another source.
	frequent []string
	rare     string
	// remove deletes the pod's owner.
	remove func(*testing.T)
	// archive is a volume of archives from before the pod was replaced.
	archive string
}

// step is a part of a monitor's life. What follows builds on it.
type step struct {
	name string
	run  func(*testing.T)
}

func (m *monitor) live(steps []step) {
	m.t.Helper()
	for _, step := range steps {
		if !m.t.Run(step.name, step.run) {
			m.t.FailNow()
		}
	}
	if here.node == nil {
		return
	}
	if err := here.node.CheckHost(); err != nil {
		m.t.Error(err)
	}
}

// serves are the steps that any PCP takes while it runs.
func (m *monitor) serves() []step {
	return []step{
		{"Entrypoint", m.entrypoint},
		{"AnotherPod", m.anotherPod},
		{"NetworkPolicy", m.networkPolicy},
		{"Environments", m.refusesEnvironments},
		{"Writes", m.refusesWrites},
		{"OpenMetrics", m.openMetrics},
		{"Files", m.files},
		{"Rules", m.rules},
	}
}

// lasts are the steps that show what outlives a process, a container and a pod.
func (m *monitor) lasts() []step {
	return []step{
		{"Archive", m.archived},
		{"ReadInGo", m.readInGo},
		{"Intervals", m.intervals},
		{"MissedSource", m.missedSource},
		{"Restart", m.restart},
		{"Replacement", m.replacement},
		{"Deletion", m.deletion},
	}
}

// TestNodeMonitor is the product: the chart is installed, the namespace labeled, the pod template annotated; and PCP works.
func TestNodeMonitor(t *testing.T) {
	t.Parallel()
	eachPCP(t, func(s *scene) {
		m := &monitor{scene: s, host: "node-monitor", service: "node-monitor-pcp", sources: map[string]int{
			"openmetrics.from_annotation.answer": len("/1"), "openmetrics.from_configmap.answer": len("/123"), "openmetrics.exporter.answer": len("/metrics"),
		}}
		m.frequent, m.rare = []string{"openmetrics.from_annotation.answer", "openmetrics.from_configmap.answer"}, "openmetrics.exporter.answer"
		maps.Copy(m.sources, privateSource)
		m.createFiles()
		m.createReceiver()
		m.installInjector(strings.Replace(monitorRules, "WEBHOOK", "{url: '"+webhookURL+"'}", 1) + "\n" +
			"openMetrics: {discover: true, intervals: {from-configmap: 1}, " + privateCA + ", endpoints: {from-configmap: {url: 'http://localhost:9100/123'}, " + privateEndpoints + "}}\n" +
			"container: {image: IMAGE, domainAgents: [mounts], " + monitorFiles + "}")
		m.remove = func(t *testing.T) {
			t.Helper()
			if err := m.client.AppsV1().Deployments(m.namespace).Delete(t.Context(), "node-monitor", metav1.DeleteOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		m.pod = m.deploy(nodeMonitor(map[string]string{sourceAnnotation: "http://localhost:9100/1\n", "pcp.io/openmetrics-intervals": "from-annotation=1"}))
		m.live(slices.Concat(m.serves(), []step{{"FrozenAnnotation", m.frozenAnnotation}}, m.lasts()))
	})
}

// TestPCPChart: PCP on its own, without the injector, does the same. The tests of parity hold the two containers together, so one version of PCP
// shows the rest.
func TestPCPChart(t *testing.T) {
	t.Parallel()
	requireSite(t)
	s := newScene(t, here.pcp[len(here.pcp)-1].Name)
	m := &monitor{scene: s, host: "pcp", service: "pcp", sources: map[string]int{"openmetrics.from_values.answer": len("/12345")}}
	m.frequent, m.rare = []string{"openmetrics.from_values.answer"}, "openmetrics.private.answer"
	m.create(podOf("exporter", exporterContainer()))
	m.createService("exporter", 9100)
	maps.Copy(m.sources, privateSource)
	m.createFiles()
	m.createReceiver()
	r := m.installPCP(strings.Replace(monitorRules, "WEBHOOK", "{secret: on-call}", 1) + "\n" +
		"openMetrics: {intervals: {from-values: 1}, " + privateCA + ", endpoints: {from-values: {url: 'http://exporter:9100/12345'}, " + privateEndpoints + "}}\n" +
		"env: {PCP_DOMAIN_AGENTS: mounts}\n" + monitorFiles)
	m.remove = func(t *testing.T) { t.Helper(); r.uninstall(t.Context()) }
	m.pod = m.awaitReady("")
	m.live(slices.Concat([]step{{"HelmTest", r.test}, {"Open", m.open}, {"Filters", m.filters}}, m.serves(), m.lasts()))
}

// open: on a network of its own PCP is open, to those whom a NetworkPolicy lets in.
func (m *monitor) open(t *testing.T) {
	t.Helper()
	inTheOpen(t, m.scene, m.pod)
}

// pcp runs a command in the PCP container.
func (m *monitor) pcp(command ...string) (string, error) { return m.in(m.pod.Name, "pcp", command...) }

// entrypoint: the args end in systemd as process 1, all services run, and pmcd's environment and command have the steps' settings.
func (m *monitor) entrypoint(t *testing.T) {
	t.Helper()
	eventually(t, startLimit, "process 1, which is told of its container, and pmcd's environment and command", func() error {
		output, err := m.pcp("sh", "-c", `cat /proc/1/comm
			tr '\0' '\n' </proc/1/environ | grep '^container='
			tr '\0' '\n' <"/proc/$(pidof pmcd)/environ" | grep '^PROC_ACCESS='
			tr '\0' ' ' <"/proc/$(pidof pmcd)/cmdline" | grep -o -e '-q 60'`)
		if want := "systemd\ncontainer=oci\nPROC_ACCESS=0\n-q 60\n"; output != want {
			return fmt.Errorf("they are %q, want %q: %w", output, want, err)
		}
		return nil
	})
	eventually(t, startLimit, "all services", func() error {
		output, err := m.pcp("systemctl", "is-active", "pmcd", "pmie", "pmlogger", "pmproxy")
		if want := strings.Repeat("active\n", 4); output != want {
			return fmt.Errorf("the services are %q: %w", output, err)
		}
		return nil
	})
}

// anotherPod reaches pmcd and pmproxy, pmcd also through the chart's Service.
func (m *monitor) anotherPod(t *testing.T) {
	t.Helper()
	for _, host := range []string{m.pod.Status.PodIP, m.service} {
		eventually(t, startLimit, "pmcd's answer", func() error {
			output, err := m.ask("pminfo", "-h", host, "-f", "kernel.all.load")
			if err == nil && !strings.Contains(output, `"1 minute"] value `) {
				err = errors.New(output)
			}
			return err
		})
	}
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

// refusesEnvironments: environments of processes hold secrets, and another pod cannot read them.
func (m *monitor) refusesEnvironments(t *testing.T) {
	t.Helper()
	eventually(t, metricLimit, "the refusal of environments", func() error {
		output, err := m.ask("pminfo", "-h", m.pod.Status.PodIP, "-f", "proc.psinfo.environ")
		if strings.Contains(output, " value ") {
			t.Fatalf("another pod reads environments: %s", output)
		}
		if !strings.Contains(output, "No permission") {
			return fmt.Errorf("got %.500s: %w", output, err)
		}
		return nil
	})
}

// openMetrics: each source has the value that the exporter serves.
func (m *monitor) openMetrics(t *testing.T) {
	t.Helper()
	for metric, value := range m.sources {
		m.awaitValue(t, m.pod, metric, value)
	}
}

// frozenAnnotation: nobody, not even the administrator, changes what a live pod's agent reads.
func (m *monitor) frozenAnnotation(t *testing.T) {
	t.Helper()
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{sourceAnnotation: "http://localhost:9100/123456\n"}}})
	if err != nil {
		t.Fatal(err)
	}
	const want = sourceAnnotation + " cannot change in a live pod"
	_, err = m.client.CoreV1().Pods(m.namespace).Patch(t.Context(), m.pod.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("the patch gets the error %v, want %q", err, want)
	}
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
