package prometheus_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/test/e2e/prometheus"
	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

// alertCase is what Prometheus has, by series and in promtool's notation with a value a minute, and what an alert makes of it.
type alertCase struct {
	alert  string
	series map[string]string
	at     string
	// fires are the alert's own labels, with a comma before each, or silent.
	fires string
}

const silent = "silent"

// ofInjector are about the webhook.
var ofInjector = []alertCase{
	{"PCPInjectorAbsent", map[string]string{up: "0x20"}, "10m", `,severity="critical"`},
	{"PCPInjectorAbsent", nil, "10m", `,severity="critical"`},
	{"PCPInjectorAbsent", map[string]string{up: "1x20"}, "10m", silent},
	{"PCPInjectorAbsent", map[string]string{up: "1x6 0x20"}, "10m", silent},
	{"PCPInjectorCertificateExpiry", map[string]string{expiry: "1123200x30"}, "20m", warning},
	{"PCPInjectorCertificateExpiry", map[string]string{expiry: "1296000x30"}, "20m", silent},
	{"PCPInjectorErrors", map[string]string{admissions + `result="error",reason="Internal"}`: "0 0 1x10"}, "5m", warning + `,reason="Internal"`},
	{"PCPInjectorErrors", map[string]string{admissions + `result="error",reason="Internal"}`: "7x20", admissions + `result="injected",reason="Injected"}`: "0+1x20"}, "10m", silent},
	{"PCPInjectorRejections", map[string]string{admissions + `result="rejected",reason="Incompatible"}`: "0 0 1x30"}, "10m", warning + `,reason="Incompatible"`},
	{"PCPInjectorRejections", map[string]string{admissions + `result="rejected",reason="Incompatible"}`: "3x30"}, "10m", silent},
	{"PCPInjectorUnreachable", map[string]string{`apiserver_admission_webhook_rejection_count{name="pcp-injector.pcp-system.pcp.io",error_type="calling_webhook_error"}`: "0 0 1x30"}, "10m", warning},
	{"PCPInjectorUnreachable", map[string]string{`apiserver_admission_webhook_fail_open_count{name="pcp-injector.pcp-system.pcp.io"}`: "0 0 1x30"}, "10m", warning},
	{"PCPInjectorUnreachable", map[string]string{`apiserver_admission_webhook_rejection_count{name="other.example.com",error_type="calling_webhook_error"}`: "0 0 1x30"}, "10m", silent},
	{"PCPInjectedPodNotReady", map[string]string{`kube_pod_container_status_ready{namespace="monitoring",pod="a",container="pcp"}`: "0x20"}, "11m", warning + ready},
	{"PCPInjectedPodNotReady", map[string]string{`kube_pod_init_container_status_ready{namespace="monitoring",pod="a",container="pcp"}`: "0x20"}, "11m", warning + ready},
	{"PCPInjectedPodNotReady", map[string]string{`kube_pod_container_status_ready{namespace="monitoring",pod="a",container="pcp"}`: "1x20", `kube_pod_container_status_ready{namespace="monitoring",pod="a",container="app"}`: "0x20"}, "11m", silent},
}

const (
	up         = `up{job="pcp-injector",namespace="pcp-system",instance="a"}`
	expiry     = `pcp_injector_certificate_expiry_timestamp_seconds{job="pcp-injector",namespace="pcp-system"}`
	admissions = `pcp_injector_admissions_total{job="pcp-injector",namespace="pcp-system",`
	warning    = `,severity="warning"`
	ready      = `,namespace="monitoring",pod="a",container="pcp"`
)

// ofPCP are about PCP itself, in both charts. job is the name that the Prometheus Operator gives the chart's PodMonitor.
func ofPCP(job string) []alertCase {
	labels := `job="` + job + `",instance="node-1"`
	const of = `{namespace="monitoring",persistentvolumeclaim="pcp-pmlogger"}`
	agent, logger := `pmcd_agent_status{instname="proc",`+labels+`}`, `pmcd_pmlogger_port{`+labels
	const available, capacity = "kubelet_volume_stats_available_bytes" + of, "kubelet_volume_stats_capacity_bytes" + of
	return []alertCase{
		{"PCPDown", map[string]string{`up{` + labels + `}`: "0x20"}, "6m", warning + "," + labels},
		{"PCPDown", map[string]string{`up{` + labels + `}`: "1x20"}, "6m", silent},
		{"PCPDown", map[string]string{`up{` + labels + `}`: "1x20", `up{job="other",instance="node-1"}`: "0x20"}, "6m", silent},
		{"PCPAgentFailed", map[string]string{agent: "1x20"}, "11m", warning + `,instname="proc",` + labels},
		{"PCPAgentFailed", map[string]string{agent: "0x20"}, "11m", silent},
		// pmcd goes on listing a killed pmlogger as the primary one.
		{"PCPArchivesStopped", map[string]string{`up{` + labels + `}`: "1x30", logger + `,instname="primary"}`: "4330x30"}, "16m", warning + "," + labels},
		{"PCPArchivesStopped", map[string]string{`up{` + labels + `}`: "1x30", logger + `,instname="primary"}`: "4330x30", logger + `,instname="220"}`: "4330x30"}, "16m", silent},
		{"PCPArchivesStopped", map[string]string{`up{` + labels + `}`: "0x30"}, "16m", silent},
		{"PCPArchiveVolumeFull", map[string]string{available: "9x30", capacity: "100x30"}, "16m", warning + `,namespace="monitoring",persistentvolumeclaim="pcp-pmlogger"`},
		{"PCPArchiveVolumeFull", map[string]string{available: "20x30", capacity: "100x30"}, "16m", silent},
	}
}

// TestAlerts: promtool accepts the rules that the charts render, and each alert fires when it should, and not when it should not.
func TestAlerts(t *testing.T) {
	t.Parallel()
	programs := findPrograms(t)
	tools, err := toolchain.Find(t.Context(), os.Stderr, "helm")
	if err != nil {
		t.Fatal(err)
	}
	for chart, test := range map[string]struct {
		namespace string
		switches  string
		cases     []alertCase
	}{
		"pcp-injector": {"pcp-system", "pcp.podMonitor.create=true", append(slices.Clone(ofInjector), ofPCP("monitoring/node-monitor-pcp")...)},
		"pcp":          {"monitoring", "podMonitor.enabled=true", ofPCP("monitoring/pcp")},
	} {
		t.Run(chart, func(t *testing.T) {
			t.Parallel()
			rendered := output(t, tools["helm"], "template", chart, "../../../charts/"+chart, "--namespace", test.namespace,
				"--set", "prometheusRule.enabled=true,"+test.switches, "--show-only", "templates/prometheusrule.yaml")
			var rule struct {
				Spec struct {
					Groups []struct {
						Name  string           `json:"name"`
						Rules []map[string]any `json:"rules"`
					} `json:"groups"`
				} `json:"spec"`
			}
			if err := yaml.Unmarshal([]byte(rendered), &rule); err != nil {
				t.Fatal(err)
			}
			folder := t.TempDir()
			write(t, filepath.Join(folder, "rules.yaml"), rule.Spec)
			write(t, filepath.Join(folder, "test.yaml"), map[string]any{"rule_files": []string{"rules.yaml"}, "evaluation_interval": "1m", "tests": testsOf(test.cases)})
			t.Log(output(t, programs.Promtool, "check", "rules", filepath.Join(folder, "rules.yaml")))
			t.Log(output(t, programs.Promtool, "test", "rules", filepath.Join(folder, "test.yaml")))
			for _, alert := range rule.Spec.Groups[0].Rules {
				name, _ := alert["alert"].(string)
				requireBoth(t, name, test.cases)
			}
		})
	}
}

// testsOf are the cases in promtool's format: https://prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules/
func testsOf(cases []alertCase) (tests []map[string]any) {
	for _, c := range cases {
		series := []map[string]string{}
		for name, values := range c.series {
			series = append(series, map[string]string{"series": name, "values": values})
		}
		samples := []map[string]any{}
		if c.fires != silent {
			samples = append(samples, map[string]any{"labels": `ALERTS{alertname="` + c.alert + `",alertstate="firing"` + c.fires + "}", "value": 1})
		}
		tests = append(tests, map[string]any{"interval": "1m", "input_series": series, "promql_expr_test": []map[string]any{{
			"expr": `ALERTS{alertname="` + c.alert + `",alertstate="firing"}`, "eval_time": c.at, "exp_samples": samples,
		}}})
	}
	return tests
}

// requireBoth fails unless there is a case in which the alert fires, and one in which it does not.
func requireBoth(t *testing.T, alert string, cases []alertCase) {
	t.Helper()
	for _, fires := range []bool{true, false} {
		if !slices.ContainsFunc(cases, func(c alertCase) bool { return c.alert == alert && (c.fires != silent) == fires }) {
			t.Errorf("there is no case in which %q fires, or none in which it does not", alert)
		}
	}
}

func write(t *testing.T, path string, content any) {
	t.Helper()
	text, err := yaml.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func output(t *testing.T, command string, arguments ...string) string {
	t.Helper()
	said, err := exec.CommandContext(t.Context(), command, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(command), strings.Join(arguments, " "), err, said)
	}
	return string(said)
}

func findPrograms(t *testing.T) prometheus.Programs {
	t.Helper()
	if os.Getenv("E2E") == "" {
		t.Skip("needs Debian's Prometheus: run make e2e")
	}
	programs, err := prometheus.Find(t.Context(), os.Stderr)
	if err != nil {
		t.Fatal(err)
	}
	return programs
}
