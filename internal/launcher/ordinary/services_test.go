//go:build linux

package ordinary

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/preparation"
	"github.com/performancecopilot/pcp-injector/test/pcpfiles"
)

func newContainer(t *testing.T, version string, o options.Options, services ...string) (*Container, *bytes.Buffer) {
	t.Helper()
	pcp, err := installation.Read(pcpfiles.Unpack(t, version), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	defaults, err := options.Parse(o.Args(), "")
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	return &Container{Container: &preparation.Container{
		PCP: pcp.Relocate(Folder), Options: defaults, Entrypoint: options.Entrypoint{Services: services}, Hostname: "node",
		Logger: slog.New(slog.NewTextHandler(&log, nil)),
	}}, &log
}

// TestServices: pmcd comes first, so it ends last, and only what is asked for runs.
func TestServices(t *testing.T) {
	t.Parallel()
	all := []string{options.PMIE, options.PMProxy, options.PMLogger, options.PMCD}
	everything := options.Options{PushURL: "http://collector:44322", PMIE: options.Inference{Rules: true}}
	for _, test := range []struct {
		version string
		o       options.Options
		asked   []string
		want    string
	}{
		{"7.2.2", options.Options{}, all, "pmcd pmlogger pmproxy pmie"},
		{"7.2.2", everything, all, "pmcd pmlogger pmlogger-push pmproxy pmie pmie-rules"},
		{"6.3.8", everything, all, "pmcd pmlogger pmproxy pmie pmie-rules"},
		{"7.2.2", everything, []string{options.PMProxy}, "pmproxy"},
	} {
		c, log := newContainer(t, test.version, test.o, test.asked...)
		var names []string
		for _, s := range c.Services() {
			names = append(names, s.Name)
			if s.StopLimit == 0 {
				t.Errorf("%s is killed at once", s.Name)
			}
		}
		if got := strings.Join(names, " "); got != test.want {
			t.Errorf("of PCP %s, %s run, want %s", test.version, got, test.want)
		}
		if warned := strings.Contains(log.String(), "nothing is pushed"); warned != (test.version == "6.3.8") {
			t.Errorf("PCP %s: the log says that nothing is pushed: %t", test.version, warned)
		}
	}
}

// TestStopLimits: all of them fit into a pod's 30 s.
func TestStopLimits(t *testing.T) {
	t.Parallel()
	c, _ := newContainer(t, "7.2.2", options.Options{PushURL: "http://collector:44322", PMIE: options.Inference{Rules: true}},
		options.PMIE, options.PMProxy, options.PMLogger, options.PMCD)
	var sum time.Duration
	for _, s := range c.Services() {
		sum += s.StopLimit
	}
	if sum > 30*time.Second {
		t.Errorf("the services may take %v to end, in all", sum)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	c, _ := newContainer(t, "7.2.2", options.Options{})
	want := []string{
		"PATH=/usr/lib/pcp/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=/run/pcp", "LC_ALL=C.UTF-8", "PCP_CONF=/run/pcp/pcp.conf",
		"PMNS_DEFAULT=/run/pcp/var/pmns/root", "PMLOGGER_LOCAL=1", "PMLOGGER_INTERVAL=10",
	}
	if diff := cmp.Diff(want, c.Environment()); diff != "" {
		t.Errorf("by default, services have another environment (-want +got):\n%s", diff)
	}
	c, _ = newContainer(t, "7.2.2", options.Options{Listen: options.Loopback, ProcessDetails: true, OpenMetrics: options.OpenMetrics{CABundle: true}})
	c.Entrypoint.HostMount = "/host"
	for _, want := range []string{
		"PMCD_LOCAL=1", "PMPROXY_LOCAL=1", "PROC_ACCESS=1", "PROC_STATSPATH=/run/pcp/host", "LINUX_STATSPATH=/host",
		"REQUESTS_CA_BUNDLE=/run/pcp/openmetrics-ca.pem",
	} {
		if !slices.Contains(c.Environment(), want) {
			t.Errorf("there is no %s in %q", want, c.Environment())
		}
	}
}

// TestSocket: what was killed leaves its socket, which the next process could not bind.
func TestSocket(t *testing.T) {
	t.Parallel()
	c, _ := newContainer(t, "7.2.2", options.Options{}, options.PMCD)
	socket := c.PCP.InRoot(Folder + "/pmcd.socket")
	pcpfiles.Write(t, socket, "")
	for range 2 {
		program, err := c.Services()[0].Program(t.Context())
		if err != nil || program.Path != "/usr/lib/pcp/bin/pmcd" || !slices.Equal(program.Env, c.Environment()) {
			t.Errorf("pmcd is %+v (error: %v)", program, err)
		}
		if _, err := os.Lstat(socket); err == nil {
			t.Error("the socket is still there")
		}
	}
}

func TestFreeName(t *testing.T) {
	t.Parallel()
	folder, now := t.TempDir(), time.Date(2026, 12, 1, 9, 5, 59, 0, time.UTC)
	for _, want := range []string{"20261201.09.05", "20261201.09.05-00", "20261201.09.05-01"} {
		got := freeName(folder, now)
		if got != want {
			t.Errorf("the next archive is %s, want %s", got, want)
		}
		pcpfiles.Write(t, filepath.Join(folder, got+".meta.xz"), "")
	}
}
