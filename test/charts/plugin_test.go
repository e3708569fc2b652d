package charts_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// plugin is kubectl pcp, run as users run it, for the target of a release.
type plugin struct {
	*release
	folder string // with kubectl and helm, for the commands that the plugin suggests
}

func newPlugin(r *release) *plugin {
	r.t.Helper()
	p := &plugin{r, r.t.TempDir()}
	for name, path := range map[string]string{"kubectl": plane.Kubectl(), "helm": r.command} {
		if err := os.Symlink(path, filepath.Join(p.folder, name)); err != nil {
			r.t.Fatal(err)
		}
	}
	return p
}

// pluginFor is for a release of its own, whose webhook the API server calls.
func pluginFor(t *testing.T, values ...string) *plugin {
	t.Helper()
	r := newRelease(t, "helm", append(values, "certificates.mode=helm")...)
	r.install()
	r.serve()
	r.awaitTrust()
	return newPlugin(r)
}

func (p *plugin) run(arguments ...string) output {
	p.t.Helper()
	return execute(p.t, "", plane.Environment(), pluginCommand, append(arguments, "--namespace", p.target)...)
}

// report is what a verb finds out about one object.
func (p *plugin) report(arguments ...string) *findings {
	p.t.Helper()
	said := p.run(append(arguments, "--output", "json")...)
	var whole struct{ Reports []findings }
	if err := json.Unmarshal([]byte(said.stdout), &whole); err != nil || len(whole.Reports) != 1 {
		p.t.Fatalf("kubectl pcp %s: %v (%v)\n%s", strings.Join(arguments, " "), said.err, err, said.all())
	}
	return &whole.Reports[0]
}

// follow runs the commands of a remedy, in a shell as a user would.
func (p *plugin) follow(remedy *remedy.Text) {
	p.t.Helper()
	recordFollowed(remedy.Name)
	for _, command := range remedy.Commands {
		p.paste(command)
	}
}

// paste runs a command in a shell, with what its user fills in.
func (p *plugin) paste(command string) {
	p.t.Helper()
	environment := append(p.environment(), "PATH="+p.folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	if strings.Contains(command, "REVISION") { // before an installation, there is none
		command = strings.ReplaceAll(command, "REVISION", p.deployed())
	}
	command = strings.NewReplacer("CHART", injectorChart, "MANIFEST", p.manifestFile()).Replace(command)
	p.eventually(command, func(context.Context) error {
		said := execute(p.t, "", environment, "sh", "-c", command)
		if strings.Contains(said.stderr, "restart has already been triggered within the past second") {
			return said.failure()
		}
		said.must(p.t, command)
		return nil
	})
}

// deployed is the last revision that helm history lists as deployed.
func (p *plugin) deployed() string {
	p.t.Helper()
	var revisions []struct {
		Revision int
		Status   string
	}
	if err := json.Unmarshal([]byte(p.must("history", p.name, "--namespace", p.namespace, "--output", "json")), &revisions); err != nil {
		p.t.Fatal(err)
	}
	last := 0
	for _, revision := range revisions {
		if revision.Status == "deployed" {
			last = revision.Revision
		}
	}
	return strconv.Itoa(last)
}

// requireGreen waits until all gates are passed. Where all is mended, and only the pod is older than that, it is replaced as the plugin
// says.
func (p *plugin) requireGreen(arguments ...string) {
	p.t.Helper()
	p.eventually("all gates to be passed", func(context.Context) error {
		report := p.report(arguments...)
		cause := report.First(gate.Failed)
		if cause != nil && cause.Name == "pod" && (strings.Contains(cause.Evidence, "older") || strings.Contains(cause.Evidence, "that was so when it was created")) {
			p.follow(cause.Remedy)
		}
		if report.Result() == gate.Passed {
			return nil
		}
		return errors.New(text(report))
	})
}

// requests counts the API requests of one run that succeeds, by a user of its own with all rights.
func (p *plugin) requests(arguments ...string) int {
	p.t.Helper()
	user := "counted-" + p.namespace
	kubeconfig := filepath.Join(p.t.TempDir(), "kubeconfig")
	if err := plane.WriteKubeconfig(kubeconfig, user, "system:masters"); err != nil {
		p.t.Fatal(err)
	}
	environment := append(plane.Environment(), "KUBECONFIG="+kubeconfig)
	execute(p.t, "", environment, pluginCommand, append(arguments, "--namespace", p.target)...).must(p.t)
	events, err := plane.AuditEvents(func(event cluster.AuditEvent) bool { return event.User.Username == user })
	if err != nil {
		p.t.Fatal(err)
	}
	return len(events)
}
