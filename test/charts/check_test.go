package charts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/test/injector"
)

// trouble is an installation with one thing wrong. It begins where all is well, and the remedy leads back there.
type trouble struct {
	name string
	// breaks are commands of kubectl, one a line, and spoil does what kubectl cannot.
	breaks string
	spoil  func(*plugin)
	// gate is the first that is not passed, with its result, failed if empty, and what its evidence must say.
	gate     string
	result   gate.Result
	evidence string
	// then is what happens in a cluster by itself once the remedy has been followed.
	then func(*plugin)
}

// ofCertManager are those of a release whose certificate is cert-manager's.
var ofCertManager = []trouble{
	{
		name: "issuer-missing", breaks: "delete issuer pcp-injector-ca --namespace NAMESPACE\ndelete secret pcp-injector-tls --namespace NAMESPACE",
		gate: "issuer", evidence: "Issuer pcp-injector-ca does not exist in namespace NAMESPACE", then: (*plugin).serveRenewed,
	},
	{name: "root-missing", breaks: "delete issuer pcp-injector-root --namespace NAMESPACE", gate: "issuer", evidence: "Issuer pcp-injector-root does not exist"},
	{name: "certificate-missing", breaks: "delete certificate pcp-injector-tls --namespace NAMESPACE", gate: "certificate", evidence: "Certificate pcp-injector-tls does not exist in namespace NAMESPACE"},
	{name: "webhook-configuration-deleted", breaks: "delete " + webhookName, gate: "webhook", evidence: "the MutatingWebhookConfiguration of release pcp-injector, which looks after namespace TARGET, is gone"},
	{name: "guard-unbound", breaks: "delete validatingadmissionpolicybinding pcp-injector.NAMESPACE.TARGET.workload", gate: "guard", evidence: "ValidatingAdmissionPolicy pcp-injector.NAMESPACE.TARGET.workload is not bound"},
	{name: "policy-missing", breaks: "delete validatingadmissionpolicy pcp-injector.NAMESPACE.TARGET.exec", gate: "guard", evidence: "ValidatingAdmissionPolicy pcp-injector.NAMESPACE.TARGET.exec is missing"},
	{
		name: "guard-warns-only", gate: "guard", evidence: "ValidatingAdmissionPolicyBinding pcp-injector.NAMESPACE.TARGET.exec does not deny",
		breaks: `patch validatingadmissionpolicybinding pcp-injector.NAMESPACE.TARGET.exec --type merge --patch {"spec":{"validationActions":["Warn"]}}`,
	},
	{
		name: "guard-narrowed", gate: "guard", evidence: "ValidatingAdmissionPolicyBinding pcp-injector.NAMESPACE.TARGET.exec was narrowed",
		breaks: `patch validatingadmissionpolicybinding pcp-injector.NAMESPACE.TARGET.exec --type merge --patch {"spec":{"matchResources":{"namespaceSelector":{"matchLabels":{"a":"b"}}}}}`,
	},
	{name: "budget-missing", breaks: "delete poddisruptionbudget pcp-injector --namespace NAMESPACE", gate: "disruption-budget", result: gate.Warning, evidence: "no PodDisruptionBudget covers the webhook's pods"},
	{
		name: "budget-too-strict", gate: "disruption-budget", result: gate.Warning, evidence: "allows no disruption",
		breaks: `patch poddisruptionbudget pcp-injector --namespace NAMESPACE --type merge --patch {"spec":{"maxUnavailable":0}}`,
	},
	{name: "no-replicas", breaks: "scale deployment pcp-injector --namespace NAMESPACE --replicas 0", gate: "replicas", evidence: "has 0 of 0 pods ready"},
	{name: "service-deleted", breaks: "delete service pcp-injector --namespace NAMESPACE", gate: "endpoints", evidence: "Service pcp-injector in namespace NAMESPACE does not exist"},
	{name: "newer-plugin", spoil: (*plugin).serveOlder, gate: "version", result: gate.Warning, evidence: "the webhook " + olderVersion + ", which is older", then: (*plugin).serveAgain},
	{name: "namespace-not-labeled", breaks: "label namespace TARGET pcp.io/injection-", gate: "namespace", evidence: "it has no label pcp.io/injection"},
	{name: "target-absent", breaks: "delete deployment node-monitor --namespace TARGET", gate: "target", evidence: "Deployment node-monitor does not exist in namespace TARGET"},
	{name: "target-not-annotated", breaks: patchTemplate(`"pcp.io/inject":null`), gate: "request", evidence: "the pod template has no annotation pcp.io/inject"},
	{name: "claim-missing", breaks: stopPod + "delete persistentvolumeclaim pcp-pmlogger --namespace TARGET" + startPod, gate: "claims", evidence: "PersistentVolumeClaim pcp-pmlogger does not exist"},
	{name: "claim-pending", spoil: (*plugin).pendingClaim, gate: "claims", evidence: "PersistentVolumeClaim pcp-pmproxy is pending: volume nowhere is not available"},
	{
		name: "opened-to-all", gate: "clients", result: gate.Warning, evidence: "can be read by: everyone who can reach the pod",
		breaks: `patch networkpolicy node-monitor-pcp --namespace TARGET --type merge --patch {"spec":{"ingress":[{}]}}`,
	},
	{
		name: "open-without-a-policy", gate: "clients", result: gate.Warning, evidence: "can be read by: everyone who can reach the pod",
		breaks: "delete networkpolicy node-monitor-pcp --namespace TARGET",
	},
	{name: "pod-tampered-with", spoil: (*plugin).tamper, gate: "pod", evidence: "tampered with: metadata.labels[pcp.io/injected]: is missing"},
	{name: "configuration-stale", spoil: func(p *plugin) { p.upgrade("config.container.image=registry.example.com/pcp:next") }, gate: "pod", evidence: "is stale: made by configuration"},
}

// ofHelm are those of a release whose certificate is Helm's.
var ofHelm = []trouble{
	{name: "caBundle-of-another-authority", spoil: (*plugin).foreignAuthority, gate: "answer", evidence: "the caBundle and the webhook's certificate are of different authorities"},
	{name: "caBundle-empty", breaks: `patch ` + webhookName + ` --type json --patch [{"op":"remove","path":"/webhooks/0/clientConfig/caBundle"}]`, gate: "ca-bundle", evidence: "is empty"},
	{name: "certificate-expired", spoil: (*plugin).expireCertificate, gate: "answer", evidence: "the webhook's certificate has expired", then: (*plugin).serveAgain},
}

// withoutPCP: nothing runs in the pods of a simulated node. PCP itself is checked in test/e2e.
const withoutPCP = "--pcp=false"

// TestCheck breaks what can break in an installation, one thing after the other: check names the true cause first, and what it suggests
// mends it. After all that, Helm can still upgrade the release, uninstall it, and install it again.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			checkRelease(t, tool)
		})
	}
}

func checkRelease(t *testing.T, tool string) {
	t.Helper()
	r := newRelease(t, tool, "guard.warnings.scope=None")
	r.install()
	r.serve()
	r.awaitTrust()
	r.apply(nodeMonitor()).must(t)
	r.pod("node-monitor", injected)
	p := newPlugin(r)
	p.requireAllGreen()
	t.Logf("check made %d requests", p.requests("check", withoutPCP))
	p.tryAll(t, ofCertManager)
	p.commands("delete " + webhookName) // cert-manager's cainjector owns its caBundle
	p.upgrade("certificates.mode=helm")
	p.awaitTrust()
	p.requireAllGreen()
	p.tryAll(t, ofHelm)
	p.requireWaits(t)
	p.requireRights(t)
	p.requireUnknown(t)
	p.requireWhole()
}

func (p *plugin) tryAll(t *testing.T, troubles []trouble) {
	t.Helper()
	for _, broken := range troubles {
		t.Run(broken.name, func(t *testing.T) {
			outer := p.t
			p.t = t
			defer func() { p.t = outer }()
			p.tryCheck(&broken)
		})
		if t.Failed() {
			t.Fatal("the set-ups after this one begin where all is well: they were not tried")
		}
	}
}

func (p *plugin) tryCheck(broken *trouble) {
	p.t.Helper()
	p.commands(broken.breaks)
	if broken.spoil != nil {
		broken.spoil(p)
	}
	want := broken.result
	if want == "" {
		want = gate.Failed
	}
	var cause *found
	p.eventually("the cause", func(context.Context) error {
		report := p.checked()
		if cause = report.First(gate.Failed); want == gate.Warning && cause == nil {
			cause = report.First(gate.Warning)
		}
		if cause == nil || cause.Name != broken.gate || cause.Result != want || !strings.Contains(cause.Evidence, p.expand(broken.evidence)) {
			return fmt.Errorf("want %s of %s first: %s\n%s", want, broken.gate, p.expand(broken.evidence), text(report))
		}
		return nil
	})
	if cause.Remedy == nil || len(cause.Remedy.Commands) == 0 {
		p.t.Fatalf("%s has no remedy", cause.Name)
	}
	p.follow(cause.Remedy)
	if broken.then != nil {
		broken.then(p)
	}
	p.requireAllGreen()
}

// checked are all gates of check in one report.
func (p *plugin) checked(arguments ...string) *findings {
	p.t.Helper()
	said := p.run(append([]string{"check", withoutPCP, "--output", "json"}, arguments...)...)
	var whole struct {
		Result  gate.Result
		Reports []*findings
	}
	if err := json.Unmarshal([]byte(said.stdout), &whole); err != nil || len(whole.Reports) == 0 {
		p.t.Fatalf("kubectl pcp check: %v (%v)\n%s", said.err, err, said.all())
	}
	codes := map[gate.Result]int{gate.Passed: 0, gate.Failed: 3, gate.Warning: 4, gate.Unknown: 4}
	all := &findings{Subject: "check"}
	for _, report := range whole.Reports {
		all.Gates = append(all.Gates, report.Gates...)
	}
	if code := exitStatus(said.err); whole.Result != all.Result() || code != codes[whole.Result] {
		p.t.Errorf("exit code %d for the result %s of reports that are %s", code, whole.Result, all.Result())
	}
	return all
}

// requireAllGreen waits until everything is. Where all is mended, and only the pod is older than that, it is replaced as the plugin says.
func (p *plugin) requireAllGreen() {
	p.t.Helper()
	p.eventually("everything to be green", func(context.Context) error {
		report := p.checked()
		cause := report.First(gate.Failed)
		if cause != nil && cause.Name == "pod" && (strings.Contains(cause.Evidence, "older") || strings.Contains(cause.Evidence, "stale")) {
			p.follow(cause.Remedy)
		}
		if report.Result() == gate.Passed {
			return nil
		}
		return errors.New(text(report))
	})
}

// serveRenewed serves the certificate that cert-manager issues again, as the kubelet would.
func (p *plugin) serveRenewed() {
	p.t.Helper()
	p.certificate()
	p.serve()
}

// serveOlder serves with an older program, as before an upgrade.
func (p *plugin) serveOlder() {
	p.t.Helper()
	older, err := injector.Build(p.t.Context(), p.t.TempDir(), versioned(olderVersion)...)
	if err != nil {
		p.t.Fatal(err)
	}
	p.serveWith(older)
}

// tamper changes the live pod while the guard looks away.
func (p *plugin) tamper() {
	p.t.Helper()
	pod := p.pod("node-monitor", injected).Name
	p.commands("delete validatingadmissionpolicybinding pcp-injector.NAMESPACE.TARGET.live-pod\nSETTLE label pod " + pod + " pcp.io/injected- --namespace TARGET")
	p.restore()
}

// requireWaits: with --wait, check ends when all is green, or when the time is up.
func (p *plugin) requireWaits(t *testing.T) {
	t.Helper()
	p.commands("delete poddisruptionbudget pcp-injector --namespace NAMESPACE")
	said := p.run("check", withoutPCP, "--wait", "--timeout", "1s")
	if code := exitStatus(said.err); code != 4 || said.stderr != "Waiting for: disruption-budget\nTimed out after 1s, still waiting for: disruption-budget\n" || !strings.Contains(said.stdout, "WARNING disruption-budget") {
		t.Errorf("exit code %d, want 4 and what is waited for:\n%s", code, said.all())
	}
	for line := range strings.Lines(said.stdout) {
		if len(line) > gate.Width+1 && !strings.HasPrefix(line, "      ") && strings.Contains(line, " ") && !strings.Contains(line, p.namespace) {
			t.Errorf("the line is wider than %d columns: %s", gate.Width, line)
		}
	}
	ended := make(chan output, 1)
	go func() { ended <- p.run("check", withoutPCP, "--wait") }()
	p.restore()
	if said := <-ended; said.err != nil || !strings.Contains(said.stdout, "checks are green.\n") {
		t.Errorf("error %v, want all to be green:\n%s", said.err, said.all())
	}
}

// requireRights: a user who may see nothing sees which rights are missing, and what grants them makes all green.
func (p *plugin) requireRights(t *testing.T) {
	t.Helper()
	carol := p.namespace + `-who-sees-nothing"$(reboot)"`
	asCarol := []string{"--as", carol}
	report := p.checked(asCarol...)
	if failed := report.First(gate.Failed); failed != nil {
		t.Errorf("%s failed, although it cannot be seen: %s", failed.Name, failed.Evidence)
	}
	first := ""
	for range 3 { // What one right shows may need another.
		for n := range report.Gates {
			if found := &report.Gates[n]; found.Name == "right" {
				first += found.Evidence + "\n"
				p.follow(found.Remedy)
			}
		}
		before := text(report)
		p.eventually("the rights to be heeded", func(context.Context) error {
			if report = p.checked(asCarol...); report.Result() != gate.Passed && text(report) == before {
				return errors.New(text(report))
			}
			return nil
		})
		if report.Result() == gate.Passed {
			break
		}
	}
	if report.Result() != gate.Passed {
		t.Errorf("with all rights that check has named, not all is green:\n%s", text(report))
	}
	if want := "you may not get and list mutatingwebhookconfigurations.admissionregistration.k8s.io in the cluster\n"; !strings.Contains(first, want) {
		t.Errorf("want %q in:\n%s", want, first)
	}
}

// requireUnknown: a PCP that cannot be reached is unknown, and not guessed. The simulated node has no kubelet to go through.
func (p *plugin) requireUnknown(t *testing.T) {
	t.Helper()
	said := p.run("check")
	if code := exitStatus(said.err); code != 4 || !strings.Contains(said.stdout, "\nPCP in pod/node-monitor-") || !strings.Contains(said.stdout, "\nunknown pmcd ") {
		t.Errorf("exit code %d, want 4 and PCP to be unknown:\n%s", code, said.all())
	}
}

// TestElsewhere: of a namespace that no release looks after, and of one that does not exist, every verb says so in the same words. None
// offers to take PCP away from where it is.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm")
	r.install()
	elsewhere := r.expand("release pcp-injector in namespace NAMESPACE looks after namespace TARGET")
	namespace := namespaceFor(t) + "-other"
	createNamespace(t, namespace, nil)
	mustKubectl(t, manifest(t, nodeMonitor()), "create", "--namespace", namespace, "-f", "-")
	for _, test := range []struct {
		arguments string
		code      int
		says      string
	}{
		{"check", 1, "error: no release looks after namespace " + namespace + ": "},
		{"explain deployment/node-monitor", 3, "namespace no release looks after namespace " + namespace + ": "},
		{"explain deployment/nope", 1, "error: deployment/nope does not exist in namespace " + namespace + ": "},
		{"rehearse deployment/nope", 1, "error: deployment/nope does not exist in namespace " + namespace + ": "},
		{"upgrade nope --image a", 1, "error: pod/nope does not exist in namespace " + namespace + ": "},
	} {
		said := execute(t, "", plane.Environment(), pluginCommand, append(strings.Fields(test.arguments), "--namespace", namespace)...)
		text := strings.Join(strings.Fields(said.all()), " ")
		if code := exitStatus(said.err); code != test.code || !strings.Contains(text, test.says) || !strings.Contains(text, elsewhere) || !strings.Contains(text, "--namespace "+r.target) {
			t.Errorf("%s: exit code %d, want %d and %q with %q:\n%s", test.arguments, code, test.code, test.says, elsewhere, said.all())
		}
		if strings.Contains(text, "helm upgrade") || strings.Contains(text, "kubectl --namespace") {
			t.Errorf("%s offers a command that does harm or nothing:\n%s", test.arguments, said.all())
		}
	}
	for _, arguments := range []string{"check", "status", "verify", "explain deployment/a", "rehearse deployment/a", "upgrade a --image b"} {
		said := execute(t, "", plane.Environment(), pluginCommand, append(strings.Fields(arguments), "--namespace", "no-such-namespace")...)
		if code := exitStatus(said.err); code != 1 || said.all() != "error: namespace \"no-such-namespace\" does not exist\n" {
			t.Errorf("%s: exit code %d, want 1 and one sentence:\n%s", arguments, code, said.all())
		}
	}
	for arguments, meant := range map[string]string{
		"explain deployment/node-montor --namespace " + namespace: "error: deployment/node-montor does not exist in namespace " + namespace + ": did you mean deployment/node-monitor?\n",
		"check --namespace " + namespace + "x":                    fmt.Sprintf("error: namespace %q does not exist: did you mean --namespace %s?\n", namespace+"x", namespace),
		"status --namespace " + namespace + "x":                   fmt.Sprintf("error: namespace %q does not exist: did you mean --namespace %s?\n", namespace+"x", namespace),
	} {
		if said := execute(t, "", plane.Environment(), pluginCommand, strings.Fields(arguments)...); exitStatus(said.err) != 1 || said.all() != meant {
			t.Errorf("%s: want %q, got:\n%s", arguments, meant, said.all())
		}
	}
	for _, verb := range []string{"check --pcp=false", "verify", "status"} {
		all := strings.Fields(verb + " -A -o json --namespace no-such-namespace")
		// Whether all is well elsewhere is another test's business, whose release may be half installed.
		if said := execute(t, "", plane.Environment(), pluginCommand, all...); said.all() == "" || strings.Contains(said.all(), "no-such-namespace") {
			t.Errorf("%s -A looks at one namespace:\n%s", verb, said.all())
		}
	}
	if said := execute(t, "", plane.Environment(), pluginCommand, "verify", "--namespace", namespace, "-o", "json").must(t); !strings.Contains(said, `"gates": []`) {
		t.Errorf("want an empty list:\n%s", said)
	}
}

// manifestFile is what a user applies.
func (p *plugin) manifestFile() string {
	p.t.Helper()
	file := filepath.Join(p.folder, "node-monitor.json")
	if err := os.WriteFile(file, []byte(manifest(p.t, nodeMonitor())), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return file
}
