package charts_test

import (
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
)

// TestNotes: the commands of the release's notes, run unchanged, lead to an injected pod.
func TestNotes(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=Target")
	mustKubectl(t, "", "label", "--overwrite", "namespace", r.target, "pcp.io/injection=true", "pod-security.kubernetes.io/enforce=baseline")
	deployment := nodeMonitor()
	deployment.Spec.Template.Annotations, deployment.Spec.Strategy.Type = nil, appsv1.RollingUpdateDeploymentStrategyType
	r.apply(deployment).must(t)
	r.install()
	r.serve()
	r.awaitTrust()
	notes := r.must("get", "notes", r.name, "--namespace", r.namespace)
	said := ""
	for line := range strings.Lines(notes) {
		if tool := strings.TrimSpace(line); strings.HasPrefix(tool, "kubectl") && !strings.Contains(tool, " delete ") {
			said = r.shell(tool)
		}
		if strings.Contains(line, " patch ") {
			r.pod("node-monitor", injected)
		}
	}
	if !strings.Contains(said, "node-monitor-") {
		t.Errorf("the last command of the notes says %q, want the injected pod; the notes:\n%s", said, notes)
	}
	r.requireUndone(notes)
}

// requireUndone fails if the commands of the notes for what Helm keeps leave anything of it.
func (r *release) requireUndone(notes string) {
	r.t.Helper()
	r.must("uninstall", r.name, "--namespace", r.namespace, "--wait", "--timeout", "60s")
	r.requireProtected(r.target)
	for line := range strings.Lines(notes) {
		if tool := strings.TrimSpace(line); strings.HasPrefix(tool, "kubectl") && strings.Contains(tool, " delete ") {
			r.shell(tool)
		}
	}
	for _, kind := range []string{"validatingadmissionpolicies", "validatingadmissionpolicybindings", "networkpolicies"} {
		if left := mustKubectl(r.t, "", "get", kind, "--all-namespaces", "--selector", "app.kubernetes.io/instance="+r.name, "--output", "name"); strings.Contains(left, r.target) {
			r.t.Errorf("left after the commands of the notes: %s", left)
		}
	}
}

// shell runs a line as a user's shell would.
func (r *release) shell(line string) string {
	r.t.Helper()
	environment := append(plane.Environment(), "PATH="+filepath.Dir(plane.Kubectl())+":/usr/bin:/bin")
	return execute(r.t, "", environment, "sh", "-c", line).must(r.t, line)
}
