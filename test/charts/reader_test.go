package charts_test

import (
	"context"
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

// acts are the rights without which a reader does not learn something, and with which nobody is only a reader: who creates pods in the target's
// namespace, or runs something in PCP's container, can become root on a node.
var acts = []string{
	`cannot create resource "pods" in`, `cannot create resource "pods/portforward" in`, `cannot create resource "pods/exec" in`, "you may not create pods in",
}

// TestReader: with the chart's role for readers alone, explain, check, verify and status see all that can be seen without acting.
func TestReader(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "guard.warnings.scope=Target", "reader.create=true")
	r.install()
	r.serve()
	r.awaitTrust()
	r.apply(nodeMonitor()).must(t)
	r.pod("node-monitor", injected)
	const user = "rita-who-reads"
	role := r.fullname() + "." + r.namespace + ".reader"
	mustKubectl(t, "", "create", "clusterrolebinding", role, "--clusterrole", role, "--user", user)
	t.Cleanup(func() {
		cmd := exec.CommandContext(context.WithoutCancel(t.Context()), plane.Kubectl(), "delete", "clusterrolebinding", role)
		if cmd.Env = append(cmd.Environ(), plane.Environment()...); cmd.Run() != nil {
			t.Errorf("ClusterRoleBinding %s could not be deleted", role)
		}
	})
	p := newPlugin(r)
	r.eventually("the role to be heeded", func(context.Context) error { return p.run("status", "--as", user).err })
	for _, arguments := range [][]string{{"explain", nodeMonitorDeployment}, {"check"}, {"verify"}, {"status"}} {
		p.requireRead(append(arguments, "--as", user)...)
	}
	for _, right := range []string{"create pods", "create pods/exec", "create pods/portforward", "get secrets", "patch pods", "delete pods", "get configmaps/another"} {
		verb, what, _ := strings.Cut(right, " ")
		if said := kubectl(t, "", "auth", "can-i", verb, what, "--as", user, "--namespace", r.target); said.err == nil {
			t.Errorf("a reader may %s", right)
		}
	}
}

// requireRead fails if the verb finds something wrong, or does not see what can be seen without acting.
func (p *plugin) requireRead(arguments ...string) {
	p.t.Helper()
	said := p.run(append(arguments, "--output", "json")...)
	var found struct {
		Reports []gate.Report
		Pods    []struct {
			State   string
			Unknown []string
		}
	}
	if err := json.Unmarshal([]byte(said.stdout), &found); err != nil || len(found.Reports)+len(found.Pods) == 0 {
		p.t.Fatalf("%v: %v (%v)\n%s", arguments, said.err, err, said.all())
	}
	for _, report := range found.Reports {
		for _, g := range report.Gates {
			if g.Result == gate.Failed || g.Result == gate.Unknown && !forActing(g.Evidence) {
				p.t.Errorf("%v: %s: %s: %s: %s", arguments, report.Subject, g.Name, g.Result, g.Evidence)
			}
		}
	}
	for _, pod := range found.Pods {
		unseen := slices.DeleteFunc(pod.Unknown, forActing)
		if pod.State != "as it should be" || len(unseen) > 0 {
			p.t.Errorf("%v: the pod is %q, and unknown is %q", arguments, pod.State, unseen)
		}
	}
}

func forActing(why string) bool {
	return slices.ContainsFunc(acts, func(right string) bool { return strings.Contains(why, right) })
}
