//go:build linux

package preparation

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
	"github.com/performancecopilot/pcp-injector/test/pcpfiles"
)

var update = flag.Bool("update", false, "write the goldens")

// everything has each flag that changes what is prepared.
func everything() options.Options {
	return options.Options{
		For: "v0.1.0", Listen: options.Loopback,
		Archives: options.Archives{Interval: time.Minute, Days: 7, Limit: 10 << 20},
		OpenMetrics: options.OpenMetrics{
			Archive: true, CABundle: true, Intervals: []options.Interval{{Source: "app", Period: 5 * time.Second}, {Source: "db", Period: time.Second}},
		},
		PMIE:    options.Inference{Rules: true, StockRules: []string{"cpu.load_average", "memory.oom_kill"}, Webhook: true},
		PushURL: "http://collector:44322",
		Files:   []string{"/etc/pcp/labels/extra.json", "/etc/pcp/pmcd/pmcd.options.d/more"},
	}
}

// equip has what the volumes and the image give to everything.
func (r *rig) equip(t *testing.T) {
	t.Helper()
	r.Entrypoint.HostMount, r.WebhookURL, r.system.output = "/host", "https://alerts.example/hook?a=b", "/usr/share/ca.pem\n"
	for name, content := range map[string]string{
		"usr/share/ca.pem": "image's\n", filesVolume + "/ca.crt": "administrator's\n", filesVolume + "/pmie.rules": "a = b;\n",
		filesVolume + "/etc/pcp/labels/extra.json": "{}\n", "dev/kmsg": "", "dev/tty7": "", "dev/tty": "", "dev/vcsa": "", "dev/null": "",
		"var/lib/pcp/config/pmie/config.default": "",
	} {
		pcpfiles.Write(t, r.path(name), content)
	}
}

// TestPrivileged compares what changes in real configuration files, what is done besides, and what is logged.
func TestPrivileged(t *testing.T) {
	t.Parallel()
	for _, version := range pcpfiles.Versions {
		for name, prepare := range map[string]func() *rig{
			"default":    func() *rig { return newRig(t, version, options.Options{Archives: options.Archives{Limit: 10 << 20}}) },
			"everything": func() *rig { r := newRig(t, version, everything()); r.equip(t); return r },
			"pmcd":       func() *rig { return newRig(t, version, options.Options{ProcessDetails: true}, options.PMCD) },
			"pmproxy":    func() *rig { return newRig(t, version, options.Options{AcceptArchives: true}, options.PMProxy) },
		} {
			r := prepare()
			if _, err := r.do(t); err != nil {
				t.Errorf("%s with PCP %s: %v", name, version, err)
			}
			got := strings.Join(r.system.calls, "\n") + "\n\n" + r.log.String() + "\n" + strings.ReplaceAll(r.changes(t), r.PCP.Root, "")
			golden(t, name+"-"+version, got)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		pcpfiles.Write(t, path, got)
	}
	if diff := cmp.Diff(pcpfiles.Read(t, path), got); diff != "" {
		t.Errorf("%s differs (-want +got):\n%s", name, diff)
	}
}

// TestOptional: PCP starts without what is marked so, and without nothing else. The reason is in both cases what the log says.
func TestOptional(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{
		"bind /proc/sys": "PCP does not start: sysctls: refused: it is needed because systemd would raise the node's fs.file-max",
		"remount /sys":   "",
		"pmieconf -cf /var/lib/pcp/config/pmie/config.default modify": "PCP does not start: pmie-webhook: refused",
		"pmieconf -cf /var/lib/pcp/config/pmie/config.default enable": "",
		"python3":              "",
		"leave control groups": "",
		"drop":                 "PCP does not start: capabilities: refused",
	} {
		r := newRig(t, "7.2.2", everything())
		r.equip(t)
		r.system.fails, r.system.writable = call, true
		results, err := r.do(t)
		switch failed := slices.IndexFunc(results, func(r state.Preparation) bool { return r.Error != "" }); {
		case want == "" && (err != nil || failed < 0 || !strings.Contains(r.log.String(), "not prepared, and PCP starts without it")):
			t.Errorf("without %q, the error is %v, the results are %v, and the log is\n%s", call, err, results, r.log)
		case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("without %q, the error is %v, want %s", call, err, want)
		}
	}
}

// TestUnwritableSysctls: where a mount is forbidden, /proc/sys may be read-only already.
func TestUnwritableSysctls(t *testing.T) {
	t.Parallel()
	r := newRig(t, "7.2.2", options.Options{})
	r.system.fails = "bind"
	if _, err := r.do(t); err != nil {
		t.Error(err)
	}
}

// TestMissingFiles: PCP does not start if an image has none of the lines that must change.
func TestMissingFiles(t *testing.T) {
	t.Parallel()
	for file, want := range map[string]string{
		"etc/pcp/pmcd/pmcd.conf":           `no-stores: /etc/pcp/pmcd/pmcd.conf has no line allow "local:*" : all;`,
		"etc/pcp/pmlogger/control.d/local": "archives: /etc/pcp/pmlogger/control.d/local has no line for LOCALHOSTNAME",
	} {
		r := newRig(t, "7.2.2", options.Options{})
		pcpfiles.Write(t, r.path(file), "# nothing\n")
		if _, err := r.do(t); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

func TestWebhookURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                        "calls no webhook",
		"https://a.example/b?c=d": "",
		"http://a/'; rm -rf /":    "must start with http:// or https://",
		"ftp://a":                 "must start with http:// or https://",
		"http://a\nx":             "must start with http:// or https://",
		"https://":                "must start with http:// or https://",
	} {
		r := newRig(t, "7.2.2", options.Options{PMIE: options.Inference{Webhook: true, Rules: true}}, options.PMIE)
		pcpfiles.Write(t, r.path("var/lib/pcp/config/pmie/config.default"), "")
		r.WebhookURL = url
		_, err := r.do(t)
		if refused := strings.HasPrefix(want, "must"); refused != (err != nil) || refused && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: the error is %v, want %q", url, err, want)
		}
		if !strings.Contains(r.log.String(), want) && err == nil {
			t.Errorf("%q: the log does not say %q:\n%s", url, want, r.log)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	r := newRig(t, "7.2.2", options.Options{Files: []string{"/etc/app.conf", "/linked/other.conf", "/etc/new/app.conf", "/etc/dangling"}})
	for name, target := range map[string]string{"etc/app.conf": "pcp/app.conf", "linked": "etc/pcp", "etc/dangling": "pcp/none"} {
		if err := os.Symlink(target, r.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	pcpfiles.Write(t, r.path("etc/pcp/app.conf"), "")
	if _, err := r.do(t); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"etc/app.conf": "pcp/app.conf", "etc/pcp/app.conf": "/var/lib/pcp-files/etc/app.conf", "etc/pcp/other.conf": "/var/lib/pcp-files/linked/other.conf", "etc/new/app.conf": "/var/lib/pcp-files/etc/new/app.conf",
		"etc/dangling": "pcp/none", "etc/pcp/none": "/var/lib/pcp-files/etc/dangling",
	} {
		if got, err := os.Readlink(r.path(name)); err != nil || got != want {
			t.Errorf("%s leads to %s, want %s (error: %v)", name, got, want, err)
		}
	}
}

func TestNeedless(t *testing.T) {
	t.Parallel()
	if all := Needless(nil); len(all) != 22 {
		t.Errorf("%d capabilities are needless, want 22", len(all))
	}
	got := Needless([]string{"openmetrics", "bpftrace", "smart"})
	for _, kept := range []Capability{unix.CAP_BPF, unix.CAP_PERFMON, unix.CAP_SYS_RAWIO} {
		if slices.Contains(got, kept) {
			t.Errorf("agents need capability %d, which is dropped", kept)
		}
	}
	if len(got) != 19 || !slices.Contains(got, unix.CAP_SYS_MODULE) {
		t.Errorf("with agents, %d capabilities are dropped, want 19", len(got))
	}
}

func TestQuote(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`--a=b/c`: `--a=b/c`, `50% "x" \`: `"50%% \"x\" \\"`, "$HOME\n": `"$$HOME\n"`} {
		if got := quoteWord(text); got != want {
			t.Errorf("%q is written %s, want %s", text, got, want)
		}
	}
}

// TestReasons: each has one line.
func TestReasons(t *testing.T) {
	t.Parallel()
	names := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	for _, p := range Privileged(newRig(t, "7.2.2", options.Options{}).Container) {
		if !names.MatchString(p.Name) || p.Reason == "" || strings.ContainsAny(p.Reason, "\n.") && !strings.Contains(p.Reason, "fs.file-max") {
			t.Errorf("%s: %s", p.Name, p.Reason)
		}
	}
}
