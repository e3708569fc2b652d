package charts_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

// TestExplainRights: what a user may not see is unknown, for a reason, and never guessed; and the right that the guard wants is named.
func TestExplainRights(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=None", "guard.requirePermission=true")
	r.install()
	r.serve()
	r.awaitTrust()
	r.apply(nodeMonitor()).must(t)
	r.pod("node-monitor", injected)
	p := newPlugin(r)
	const alice = "alice-who-sees-little"
	r.allow(alice, `[{apiGroups: [apps], resources: [deployments], verbs: [get]}]`)

	said := p.run("explain", nodeMonitorDeployment, "--as", alice)
	if code := exitStatus(said.err); code != 4 {
		t.Errorf("exit code %d, want 4\n%s", code, said.all())
	}
	report := p.report("explain", nodeMonitorDeployment, "--as", alice)
	if failed := report.First(gate.Failed); failed != nil {
		t.Errorf("gate %s failed, although it cannot be seen: %s", failed.Name, failed.Evidence)
	}
	webhook := report.First(gate.Unknown)
	if webhook.Name != "webhook" || !strings.Contains(webhook.Evidence, "unknown, because you lack a right: mutatingwebhookconfigurations") || webhook.Remedy == nil {
		t.Fatalf("want gate webhook to be unknown for a right:\n%s", text(report))
	}
	p.follow(webhook.Remedy)
	mustKubectl(t, "", "create", "clusterrolebinding", r.namespace+"-view", "--clusterrole=view", "--user="+alice)
	file := filepath.Join(t.TempDir(), "node-monitor.json")
	if err := os.WriteFile(file, []byte(manifest(t, nodeMonitor())), 0o600); err != nil {
		t.Fatal(err)
	}
	var denied *found
	p.eventually("the rights to be heeded", func(context.Context) error {
		report = p.report("explain", "-f", file, "--as", alice)
		if denied = report.First(gate.Failed); denied == nil || denied.Name != "policies" || !strings.Contains(denied.Evidence, `needs the verb "inject"`) {
			return errors.New(text(report))
		}
		return nil
	})
	p.follow(denied.Remedy)
	p.eventually("the verb to be heeded", func(context.Context) error {
		if report = p.report("explain", "-f", file, "--as", alice); report.First(gate.Failed) != nil {
			return errors.New(text(report))
		}
		return nil
	})
}

func exitStatus(err error) int {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return exit.ExitCode()
	}
	return 0
}
