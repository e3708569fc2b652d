//go:build linux

package preparation

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/test/pcpfiles"
)

const work = "/run/pcp"

// ordinaryRig is an ordinary container with these agents, in which the image's files are what they were.
func ordinaryRig(t *testing.T, version string, o options.Options, agents ...string) (*rig, func() error) {
	t.Helper()
	r := newRig(t, version, o)
	image := r.PCP
	r.PCP = image.Relocate(work)
	r.Entrypoint.Agents, r.Entrypoint.KeyServers = agents, []string{"keys:6379"}
	pcpfiles.Write(t, r.path("var/lib/pcp/pmns/Rebuild"), "")
	pcpfiles.Write(t, r.path("var/lib/pcp/config/pmlogconf/cpu/summary"), "#pmlogconf-setup 2.0\n")
	// What pmieconf and Rebuild make, which only real PCP has.
	r.system.ran = func(call string) {
		if strings.HasPrefix(call, "pmieconf ") {
			pcpfiles.Write(t, r.path(work+"/var/config/pmie/config.default"), "")
		}
		if strings.Contains(call, "Rebuild") {
			pcpfiles.Write(t, r.path(work+"/var/pmns/root"), "root {\n\tkernel\n}\n")
		}
	}
	return r, func() error {
		r.before = tree(t, r.PCP.Root)
		_, err := Do(Ordinary(r.Container, image), r.Logger)
		return err
	}
}

// TestOrdinary compares the copies with the image's files, of which none changes.
func TestOrdinary(t *testing.T) {
	t.Parallel()
	for _, version := range pcpfiles.Versions {
		for name, prepare := range map[string]func() (*rig, func() error){
			"ordinary": func() (*rig, func() error) { return ordinaryRig(t, version, options.Options{}) },
			"ordinary-everything": func() (*rig, func() error) {
				r, do := ordinaryRig(t, version, everything(), "openmetrics")
				r.equip(t)
				return r, do
			},
		} {
			r, do := prepare()
			if err := do(); err != nil {
				t.Errorf("%s with PCP %s: %v", name, version, err)
			}
			golden(t, name+"-"+version, strings.Join(r.system.calls, "\n")+"\n\n"+r.log.String()+"\n"+strings.ReplaceAll(r.copies(t), r.PCP.Root, ""))
		}
	}
}

// TestAgain: the volume outlives the container, and has links to the administrator's files, which nobody can write.
func TestAgain(t *testing.T) {
	t.Parallel()
	r, do := ordinaryRig(t, "7.2.2", everything(), "openmetrics")
	r.equip(t)
	pcpfiles.Write(t, r.path("etc/pcp/labels/extra.json"), "image's\n")
	if err := do(); err != nil {
		t.Fatal(err)
	}
	first := tree(t, r.path(work))
	if first["etc/labels/extra.json"] != "link to /var/lib/pcp-files/etc/pcp/labels/extra.json\n" {
		t.Errorf("the administrator's file is %q", first["etc/labels/extra.json"])
	}
	pcpfiles.Write(t, r.path("var/log/pcp/pmlogger/node/.identifiers/144.0.py"), "kept\n")
	if err := do(); err != nil { // The link leads to where nothing can be made.
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, tree(t, r.path(work))); diff != "" {
		t.Errorf("the second time, there are other files (-first +second):\n%s", diff)
	}
	if got := pcpfiles.Read(t, r.path("var/log/pcp/pmlogger/node/.identifiers/144.0.py")); got != "kept\n" {
		t.Errorf("the identifiers are %q", got)
	}
}

// copies are the changes, with each copy compared with the image's file. Nothing outside of the folder may change.
func (r *rig) copies(t *testing.T) string {
	t.Helper()
	for name, content := range tree(t, r.PCP.Root) {
		inside := strings.HasPrefix("/"+name, work+"/") || strings.Contains(name, ".identifiers")
		if !inside && r.before[name] != content {
			t.Errorf("/%s has changed", name)
		}
	}
	for copied, of := range map[string]string{"run/pcp/etc/": "etc/pcp/", "run/pcp/var/": "var/lib/pcp/"} {
		for name, content := range r.before {
			if rest, inside := strings.CutPrefix(name, of); inside {
				r.before[copied+rest] = content
			}
		}
	}
	return r.changes(t)
}

// TestOtherAgents: those that need root are refused by name, rather than missing without a word.
func TestOtherAgents(t *testing.T) {
	t.Parallel()
	_, do := ordinaryRig(t, "7.2.2", options.Options{}, "openmetrics", "smart")
	err := do()
	if err == nil || !strings.Contains(err.Error(), "the agent smart is not known to work without privileges: set container.privileged, or remove it") {
		t.Errorf("the error is %v", err)
	}
}

// TestUnreadable: what only root may read stays out of the copy, and does not keep PCP from starting.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	r, do := ordinaryRig(t, "7.2.2", options.Options{})
	pcpfiles.Write(t, r.path("etc/pcp/secret/key"), "x")
	pcpfiles.Write(t, r.path("etc/pcp/large"), strings.Repeat("x", maxFile+1))
	for name, target := range map[string]string{"etc/pcp/nowhere": "none", "etc/pcp/around": ".."} {
		if err := os.Symlink(target, r.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chmod(r.path("etc/pcp/secret"), 0o000); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.Chmod(r.path("etc/pcp/secret"), 0o755) })
	if err := do(); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"large", "nowhere"} {
		if _, err := os.Lstat(r.path(work + "/etc/" + name)); err == nil {
			t.Errorf("%s was copied", name)
		}
	}
}
