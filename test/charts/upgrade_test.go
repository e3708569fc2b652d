package charts_test

import (
	"strings"
	"testing"
)

// TestMovedBack: what Helm keeps in the former target's namespace does not stop an upgrade that goes back there. A rollback of Helm 3 stops at the
// kept claims, whose volumes it would take away, and an upgrade mends that, too.
func TestMovedBack(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		for _, back := range []string{"upgrade", "rollback"} {
			t.Run(tool+"-"+back, func(t *testing.T) {
				t.Parallel()
				r := newRelease(t, tool, "certificates.mode=helm", "guard.warnings.scope=None")
				former := r.target
				r.install()
				r.moveTo(r.namespace + "-moved")
				if r.target = former; back == "rollback" {
					said := r.run("rollback", r.name, "--namespace", r.namespace, "--wait", "--timeout", "60s")
					if refused := said.err != nil; refused != (tool == "helm3") {
						t.Errorf("the rollback ends with the error %v: %s", said.err, said.all())
					}
				}
				r.upgrade("config.target.namespace="+former, "pcp.networkPolicy.from[0].podSelector.matchLabels.app=reader")
				r.awaitTrust()
				r.apply(nodeMonitor()).must(t)
				r.pod("node-monitor", injected)
				r.requireProtected(former)
				if from := mustKubectl(t, "", "get", own, "--output=jsonpath={.spec.ingress[1].from}", "--namespace", former); !strings.Contains(from, "reader") {
					t.Errorf("the NetworkPolicy admits %s, want what the upgrade says", from)
				}
			})
		}
	}
}

// moveTo makes a target of the same name in another namespace the release's.
func (r *release) moveTo(namespace string) {
	r.t.Helper()
	r.target = namespace
	createNamespace(r.t, r.target, map[string]string{"pcp.io/injection": "enabled"})
	r.upgrade("config.target.namespace=" + r.target)
}

// TestEditedSelector: where another program has edited the webhook's namespaceSelector, as AKS's admissions enforcer does unless an annotation
// tells it not to, Helm 3 upgrades as ever. Helm 4 names the conflict, and --force-conflicts takes the field back.
func TestEditedSelector(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, tool, "certificates.mode=helm", "guard.warnings.scope=None")
			r.install()
			r.editSelector()
			upgrade := append([]string{"upgrade", r.name, injectorChart, "--namespace", r.namespace, "--wait", "--timeout", "60s"}, r.flags...)
			if tool == "helm" {
				if said := r.run(upgrade...); said.err == nil || !strings.Contains(said.stderr, `conflict with "admissionsenforcer"`) {
					t.Errorf("error %v, want the conflict to be named:\n%s", said.err, said.all())
				}
				upgrade = append(upgrade, "--force-conflicts")
			}
			r.must(upgrade...)
			r.serve()
			r.awaitTrust()
			r.apply(nodeMonitor()).must(t)
			r.pod("node-monitor", injected)
			r.upgrade()
		})
	}
}

// editSelector does what AKS's enforcer would do without the annotation.
func (r *release) editSelector() {
	r.t.Helper()
	webhook := "mutatingwebhookconfiguration/" + r.fullname() + "." + r.namespace
	if told := mustKubectl(r.t, "", "get", webhook, `--output=jsonpath={.metadata.annotations.admissions\.enforcer/disabled}`); told != "true" {
		r.t.Errorf("the enforcer's annotation is %q, want true", told)
	}
	mustKubectl(r.t, "", "patch", webhook, "--field-manager=admissionsenforcer", "--type=json",
		`--patch=[{"op":"add","path":"/webhooks/0/namespaceSelector/matchExpressions","value":[{"key":"control-plane","operator":"DoesNotExist"}]}]`)
}
