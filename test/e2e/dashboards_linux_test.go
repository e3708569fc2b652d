package e2e_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/test/e2e/prometheus"
)

// useVersion2 lets PCP see a node that has control groups of version 2 alone, for the rest of its life.
const useVersion2 = `set -eu
for mount in $(awk '$3 == "cgroup" || $3 == "cgroup2" {print $2}' /proc/mounts | sort -r); do umount --lazy "$mount"; done
mount -t cgroup2 none /sys/fs/cgroup
mount -t cgroup2 none "$HOST_MOUNT/sys/fs/cgroup"
`

// memoryPerPod needs a controller, which this machine's own hierarchy of version 2 does not have.
const memoryPerPod = "cgroup_memory_current"

// dashboards: a real Prometheus reads what the chart's PodMonitor lets it read from PCP, and the webhook's metrics, and every query of the
// dashboards for Prometheus has an answer, every metric of those for grafana-pcp a value. Prometheus runs next to the node, so it needs this machine's own.
func (s *scene) dashboards(pcp *corev1.Pod) {
	s.t.Helper()
	if here.node == nil {
		return
	}
	if output, err := s.in(pcp.Name, "pcp", "sh", "-c", useVersion2); err != nil {
		s.t.Fatalf("%v: %s", err, output)
	}
	server := s.startPrometheus(s.scrapes(pcp))
	for name, variables := range map[string]map[string]string{
		"pcp-node":     {"job": s.namespace + "/node-monitor-pcp", "node": pcp.Spec.NodeName},
		"pcp-injector": {"job": "pcp-injector", "namespace": s.releases[0].namespace},
	} {
		board := readDashboard(s.t, name)
		eventually(s.t, metricLimit, "answers for the dashboard "+name, func() error {
			s.rehearse()
			return board.Ask(s.t.Context(), server, variables, memoryPerPod)
		})
	}
	for _, metric := range readDashboard(s.t, "pcp-vector-node").Expressions() {
		if output, err := s.ask("pminfo", "-h", pcp.Status.PodIP, "-f", metric); err != nil || !strings.Contains(output, " value ") {
			s.t.Errorf("%s has no value: %s (error: %v)", metric, output, err)
		}
	}
}

// rehearse has the webhook admit a pod that asks, and is not the one, in a dry run.
func (s *scene) rehearse() {
	s.t.Helper()
	pod := runs("rehearsal", "true")
	pod.Annotations = map[string]string{"pcp.io/inject": "true"}
	if _, err := s.client.CoreV1().Pods(s.namespace).Create(s.t.Context(), pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}); err != nil {
		s.t.Error(err)
	}
}

// scrapes are what the Prometheus Operator makes of the chart's PodMonitor and ServiceMonitor.
func (s *scene) scrapes(pcp *corev1.Pod) []prometheus.Scrape {
	s.t.Helper()
	r := s.releases[0]
	rendered, err := r.helm(s.t.Context(), "template", r.name, injectorChart, "--values", filepath.Join(r.home, "values.yaml"),
		"--set", "pcp.podMonitor.create=true", "--show-only", "templates/pcp-podmonitor.yaml")
	if err != nil {
		s.t.Fatal(err)
	}
	var monitor struct {
		Metadata metav1.ObjectMeta
		Spec     struct {
			PodMetricsEndpoints []struct {
				Path   string
				Params map[string][]string
			}
		}
	}
	if err := yaml.Unmarshal([]byte(rendered), &monitor); err != nil || len(monitor.Spec.PodMetricsEndpoints) != 1 {
		s.t.Fatalf("no PodMonitor (error: %v): %s", err, rendered)
	}
	endpoint := monitor.Spec.PodMetricsEndpoints[0]
	webhooks, err := s.client.CoreV1().Pods(r.namespace).List(s.t.Context(), metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=pcp-injector"})
	if err != nil || len(webhooks.Items) == 0 {
		s.t.Fatalf("no pod of the webhook (error: %v)", err)
	}
	webhook := prometheus.Targets{Labels: map[string]string{"namespace": r.namespace}}
	for _, pod := range webhooks.Items {
		webhook.Addresses = append(webhook.Addresses, pod.Status.PodIP+":8080")
	}
	monitored := prometheus.Targets{
		Addresses: []string{pcp.Status.PodIP + ":44322"}, Labels: map[string]string{"namespace": pcp.Namespace, "pod": pcp.Name, "instance": pcp.Spec.NodeName},
	}
	return []prometheus.Scrape{
		{Job: monitor.Metadata.Namespace + "/" + monitor.Metadata.Name, Path: endpoint.Path, Params: endpoint.Params, Targets: []prometheus.Targets{monitored}},
		{Job: r.name, Path: "/metrics", Targets: []prometheus.Targets{webhook}},
	}
}

// startPrometheus starts one that ends with the test.
func (s *scene) startPrometheus(jobs []prometheus.Scrape) *prometheus.Server {
	s.t.Helper()
	programs, err := prometheus.Find(s.t.Context(), io.Discard)
	if err != nil {
		s.t.Fatal(err)
	}
	server, err := programs.Start(s.t.Context(), s.t.TempDir(), jobs)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		server.Stop()
		if s.t.Failed() {
			s.t.Logf("Prometheus:\n%s", server.Log())
		}
	})
	return server
}

func readDashboard(t *testing.T, name string) *prometheus.Dashboard {
	t.Helper()
	d, err := prometheus.ReadDashboard(filepath.Join(injectorChart, "files", "dashboards", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return d
}
