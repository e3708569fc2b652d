package options

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// all has each flag with a value that is not its default.
var all = Options{
	For: "v0.1.0", Listen: Loopback, ProcessDetails: true, AcceptArchives: true, AcceptWrites: true,
	Archives: Archives{Interval: time.Minute, Days: 7, Limit: 8 << 30, Shared: true},
	OpenMetrics: OpenMetrics{
		Archive: true, CABundle: true,
		Intervals: []Interval{{Source: "app", Period: 5 * time.Second}, {Source: "db_1", Period: time.Second}},
	},
	PMIE:    Inference{Rules: true, StockRules: []string{"cpu.load_average", "memory.oom_kill"}, Webhook: true},
	PushURL: "http://collector.monitoring.svc:44322",
	Files:   []string{"/etc/pcp/labels/extra.json", "/var/lib/pcp/pmdas/bpftrace/autostart/a.bt"},
}

func TestArgs(t *testing.T) {
	t.Parallel()
	want := []string{
		"--for=v0.1.0", "--listen=Loopback", "--process-details", "--accept-archives", "--accept-writes",
		"--archives-interval=60s", "--archives-days=7", "--archives-limit=8Gi", "--archives-shared",
		"--openmetrics-archive", "--openmetrics-interval=app=5s", "--openmetrics-interval=db_1=1s", "--openmetrics-ca",
		"--pmie-rules", "--pmie-stock-rule=cpu.load_average", "--pmie-stock-rule=memory.oom_kill", "--pmie-webhook",
		"--push=http://collector.monitoring.svc:44322",
		"--file=/etc/pcp/labels/extra.json", "--file=/var/lib/pcp/pmdas/bpftrace/autostart/a.bt",
	}
	if diff := cmp.Diff(want, all.Args()); diff != "" {
		t.Errorf("the flags differ (-want +got):\n%s", diff)
	}
	got, err := Parse(want, "v0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&all, got); diff != "" {
		t.Errorf("what is read differs from what was written (-want +got):\n%s", diff)
	}
	for _, f := range flags {
		if len(f.get(&all)) == 0 {
			t.Errorf("the test does not set %s", f.name)
		}
	}
}

func TestDefaultsAreNotWritten(t *testing.T) {
	t.Parallel()
	o, err := Parse(nil, "v0.1.0")
	if err != nil || len(o.Args()) > 0 {
		t.Errorf("without flags, the flags are %q (error: %v)", o.Args(), err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	for args, want := range map[string]string{
		"--for=v0.9.0 --archives-tiers=3":     "--archives-tiers=3: unknown flag, written by pcp-injector v0.9.0 for pcp-launcher v0.1.0: delete the pod",
		"--archives-tiers=3":                  "written by an injector of unknown version (--for) for pcp-launcher v0.1.0",
		"listen":                              "listen: unknown flag",
		"--listen":                            "--listen: must be --listen=AllAddresses|Loopback",
		"--listen=Auto":                       "must be AllAddresses or Loopback",
		"--process-details=false":             "must be --process-details",
		"--archives-days=0":                   "must be a number from 1 to 3650",
		"--archives-days=1 --archives-days=2": "--archives-days=2: is there twice",
		"--archives-limit=1.5Gi":              "must be a size",
		"--archives-limit=9999999Pi":          "must be a size",
		"--archives-interval=1500ms":          "whole seconds",
		"--archives-interval=10":              "whole seconds",
		"--openmetrics-interval=a/b=5s":       "must name a source",
		"--openmetrics-interval=app":          "whole seconds",
		"--pmie-stock-rule=-x":                "must be a name of pmieconf's",
		"--push=ftp://x":                      "must be the address of a pmproxy",
		"--file=/etc/../x":                    "must be an absolute path",
		"--file=etc":                          "must be an absolute path",
	} {
		_, err := Parse(strings.Fields(args), "v0.1.0")
		if err == nil || !strings.Contains(err.Error(), want) || !IsUsage(err) {
			t.Errorf("%s: the error is %v, want %q", args, err, want)
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{"1": 1, "800Mi": 800 << 20, "8Gi": 8 << 30, "13421773": 13421773, "3Pi": 3 << 50} {
		got, err := parseSize(text)
		if err != nil || got != want || formatSize(got) != text {
			t.Errorf("%s is %d and written %s (error: %v), want %d", text, got, formatSize(got), err, want)
		}
	}
}

func TestEntrypoint(t *testing.T) {
	t.Parallel()
	variables := map[string]string{"PCP_SERVICES": "pmcd,pmlogger", "PCP_DOMAIN_AGENTS": "openmetrics,smart", "HOST_MOUNT": "/host/"}
	got := ReadEntrypoint(func(name string) (string, bool) { value, found := variables[name]; return value, found })
	want := Entrypoint{Services: []string{PMCD, PMLogger}, Agents: []string{"openmetrics", "smart"}, KeyServers: []string{"localhost:6379"}, HostMount: "/host"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the environment is read differently (-want +got):\n%s", diff)
	}
	if !got.Runs(PMCD) || got.Runs(PMIE) || !got.Has("farm", "smart") || got.Has("bpftrace") {
		t.Error("what is asked for is not what the environment says")
	}
	if byDefault := ReadEntrypoint(func(string) (string, bool) { return "", false }); len(byDefault.Services) != 4 {
		t.Errorf("without variables, the services are %q, want the image's four", byDefault.Services)
	}
}
