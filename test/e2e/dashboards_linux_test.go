package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/test/e2e/prometheus"
	"github.com/performancecopilot/pcp-injector/test/loopback"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
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
			return board.ask(server, variables)
		})
	}
	for _, metric := range readDashboard(s.t, "pcp-vector-node").expressions() {
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

// scrape is one of Prometheus' jobs.
type scrape struct {
	Job     string              `json:"job_name"`
	Path    string              `json:"metrics_path"`
	Params  map[string][]string `json:"params,omitempty"`
	Targets []targets           `json:"static_configs"`
}

type targets struct {
	Addresses []string          `json:"targets"`
	Labels    map[string]string `json:"labels"`
}

// scrapes are what the Prometheus Operator makes of the chart's PodMonitor and ServiceMonitor.
func (s *scene) scrapes(pcp *corev1.Pod) []scrape {
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
	webhook := targets{Labels: map[string]string{"namespace": r.namespace}}
	for _, pod := range webhooks.Items {
		webhook.Addresses = append(webhook.Addresses, pod.Status.PodIP+":8080")
	}
	return []scrape{
		{
			monitor.Metadata.Namespace + "/" + monitor.Metadata.Name, endpoint.Path, endpoint.Params,
			[]targets{{[]string{pcp.Status.PodIP + ":44322"}, map[string]string{"namespace": pcp.Namespace, "pod": pcp.Name, "instance": pcp.Spec.NodeName}}},
		},
		{r.name, "/metrics", nil, []targets{webhook}},
	}
}

// startPrometheus returns the URL of a Prometheus that ends with the test.
func (s *scene) startPrometheus(jobs []scrape) string {
	s.t.Helper()
	programs, err := prometheus.Find(s.t.Context(), io.Discard)
	if err != nil {
		s.t.Fatal(err)
	}
	folder := s.t.TempDir()
	config, err := yaml.Marshal(map[string]any{"global": map[string]string{"scrape_interval": "3s", "scrape_timeout": "3s"}, "scrape_configs": jobs})
	if err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(folder, "prometheus.yml")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		s.t.Fatal(err)
	}
	address, err := loopback.Address(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	cmd := process.Command(programs.Server, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(folder, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = log, log
	running, err := process.Start(cmd)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		running.Stop(10 * time.Second)
		_ = log.Close()
		if content, err := os.ReadFile(log.Name()); s.t.Failed() {
			s.t.Logf("Prometheus (error: %v):\n%s", err, content)
		}
	})
	return "http://" + address
}

// dashboard is what the tests look at of one that the chart ships.
type dashboard struct {
	Templating struct {
		List []struct{ Name, Type, Query string }
	}
	Panels []struct {
		Title   string
		Targets []struct{ Expr string }
	}
}

func readDashboard(t *testing.T, name string) *dashboard {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(injectorChart, "files", "dashboards", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	d := &dashboard{}
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatal(err)
	}
	if len(d.expressions()) == 0 {
		t.Fatalf("the dashboard %s has no queries", name)
	}
	return d
}

func (d *dashboard) expressions() (all []string) {
	for _, panel := range d.Panels {
		for _, target := range panel.Targets {
			all = append(all, target.Expr)
		}
	}
	return all
}

// ask fails with every query that has no answer, or one that is not a number, and every variable that does not know the value it has here.
func (d *dashboard) ask(server string, variables map[string]string) error {
	replace := []string{"$__rate_interval", "1m", "$__range", "5m"}
	for name, value := range variables {
		replace = append(replace, "$"+name, value)
	}
	fill := strings.NewReplacer(replace...).Replace
	var problems []error
	for _, variable := range d.Templating.List {
		if variable.Type == "query" {
			problems = append(problems, askValues(server, fill(variable.Query), variables[variable.Name]))
		}
	}
	for _, expression := range d.expressions() {
		if !strings.Contains(expression, memoryPerPod) {
			problems = append(problems, askValue(server, fill(expression)))
		}
	}
	return errors.Join(problems...)
}

func askValue(server, expression string) error {
	var answer struct {
		Data struct {
			Result []struct{ Value []any }
		}
	}
	if err := get(server+"/api/v1/query?query="+url.QueryEscape(expression), &answer); err != nil {
		return fmt.Errorf("%s: %w", expression, err)
	}
	if len(answer.Data.Result) == 0 {
		return fmt.Errorf("%s: has no answer", expression)
	}
	for _, series := range answer.Data.Result {
		if len(series.Value) != 2 || series.Value[1] == "NaN" {
			return fmt.Errorf("%s: the answer is %v", expression, answer.Data.Result)
		}
	}
	return nil
}

// labelValues is a query of a variable. Grafana asks Prometheus for the values of the label in the series that match.
var labelValues = regexp.MustCompile(`^label_values\((.*), (\w+)\)$`)

func askValues(server, query, want string) error {
	parts := labelValues.FindStringSubmatch(query)
	if parts == nil {
		return fmt.Errorf("%s: is not understood", query)
	}
	var answer struct{ Data []string }
	if err := get(server+"/api/v1/label/"+parts[2]+"/values?match[]="+url.QueryEscape(parts[1]), &answer); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	if len(answer.Data) != 1 || answer.Data[0] != want {
		return fmt.Errorf("%s: the answer is %q, want %q", query, answer.Data, want)
	}
	return nil
}

func get(address string, into any) error {
	client := http.Client{Timeout: 20 * time.Second}
	answer, err := client.Get(address) //nolint:noctx // The client has a limit.
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", answer.Status, body)
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(body, into)
}
