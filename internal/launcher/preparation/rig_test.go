//go:build linux

package preparation

import (
	"bytes"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
	"github.com/performancecopilot/pcp-injector/test/pcpfiles"
)

// recorder is a System that only notes what it is asked for.
type recorder struct {
	root  string
	calls []string
	// fails is the beginning of the calls that fail.
	fails string
	// writable is the answer to Writable.
	writable bool
	// output of programs.
	output string
	// ran is told of each, as the program itself would do something.
	ran func(call string)
}

var errRefused = errors.New("refused")

func (r *recorder) note(words ...string) error {
	call := strings.ReplaceAll(strings.Join(words, " "), r.root, "")
	r.calls = append(r.calls, call)
	if r.fails != "" && strings.HasPrefix(call, r.fails) {
		return errRefused
	}
	return nil
}

func (r *recorder) MountReadOnly(path string, bind bool) error {
	if bind {
		return r.note("bind", path)
	}
	return r.note("remount", path)
}

func (r *recorder) Writable(string) bool { return r.writable }

func (r *recorder) LeaveControlGroups() error { return r.note("leave control groups") }

func (r *recorder) Drop(c []Capability) error {
	if len(c) == 0 {
		return r.note("drop nothing")
	}
	return r.note("drop")
}

func (r *recorder) Run(name string, args ...string) (string, error) {
	words := append([]string{name}, args...)
	if r.ran != nil {
		r.ran(strings.Join(words, " "))
	}
	return r.output, r.note(words...)
}

// rig is a container in a temporary root, with the files of a PCP.
type rig struct {
	*Container
	system *recorder
	log    *bytes.Buffer
	before map[string]string
}

// newRig prepares for these flags and services; all, if there are none.
func newRig(t *testing.T, version string, o options.Options, services ...string) *rig {
	t.Helper()
	root := pcpfiles.Unpack(t, version)
	for _, folder := range []string{"var/log/pcp/pmlogger", "dev", "proc/sys/fs", "sys/fs/cgroup", "etc/systemd/system"} {
		if err := os.MkdirAll(filepath.Join(root, folder), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pcp, err := installation.Read(root, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	if services == nil {
		services = []string{options.PMCD, options.PMIE, options.PMLogger, options.PMProxy}
	}
	defaults, err := options.Parse(o.Args(), "")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{system: &recorder{root: root}, log: &bytes.Buffer{}}
	r.Container = &Container{
		PCP: pcp, Options: defaults, Entrypoint: options.Entrypoint{Services: services},
		Launcher: "/var/lib/pcp-launcher/pcp-launcher", Hostname: "node", System: r.system,
		Logger: slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{ReplaceAttr: withoutTime})),
	}
	return r
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// do prepares, and notes what was there before.
func (r *rig) do(t *testing.T) ([]state.Preparation, error) {
	t.Helper()
	r.before = tree(t, r.PCP.Root)
	return Do(Privileged(r.Container), r.Logger)
}

// changes since do, as a diff.
func (r *rig) changes(t *testing.T) string {
	t.Helper()
	after := tree(t, r.PCP.Root)
	var text strings.Builder
	for _, name := range sorted(r.before, after) {
		// The line with both names says the same twice.
		_, changed, _ := strings.Cut(string(diff.Diff("before", []byte(r.before[name]), "after", []byte(after[name]))), "\n+++ after\n")
		if changed != "" {
			text.WriteString("=== /" + name + "\n" + onlyChanged(changed))
		}
	}
	return text.String()
}

// onlyChanged leaves out the lines that are the same, which are PCP's.
func onlyChanged(text string) string {
	var lines strings.Builder
	for line := range strings.Lines(text) {
		if line[0] == '+' || line[0] == '-' {
			lines.WriteString(line)
		}
	}
	return lines.String()
}

func sorted(trees ...map[string]string) []string {
	var names []string
	seen := map[string]bool{}
	for _, files := range trees {
		for name := range files {
			if !seen[name] {
				names, seen[name] = append(names, name), true
			}
		}
	}
	slices.Sort(names)
	return names
}

// tree has the content of each file below a folder, and where each link leads.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, _ := filepath.Rel(root, path)
		if entry.Type()&fs.ModeSymlink != 0 {
			target, err := os.Readlink(path)
			files[name] = "link to " + target + "\n"
			return err
		}
		content, err := os.ReadFile(path)
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
