package charts_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// setup is a broken one. Each begins where all is well, and the remedy leads back there.
type setup struct {
	name string
	// breaks are commands of kubectl, one a line; TARGET and NAMESPACE are the target's namespace and the release's.
	breaks string
	// spoil breaks what kubectl cannot.
	spoil func(*plugin)
	// subject is deployment/node-monitor, if empty; also of what is asked in the end.
	subject string
	// gate that must fail first, and what its evidence must say.
	gate, evidence string
	// then is what happens in a cluster by itself once the remedy has been followed.
	then func(*plugin)
	// repair is done instead of the remedy, where that needs a human's insight.
	repair string
	// undo what the remedy was right to do.
	undo func(*plugin)
}

const nodeMonitorDeployment = "deployment/node-monitor"

func patchTemplate(annotations string) string {
	return `patch deployment node-monitor --namespace TARGET --type merge --patch {"spec":{"template":{"metadata":{"annotations":{` + annotations + `}}}}}`
}

const (
	webhookName = "mutatingwebhookconfiguration pcp-injector.NAMESPACE"
	stopPod     = "scale deployment node-monitor --namespace TARGET --replicas 0\nwait pods --namespace TARGET --selector app=node-monitor --for delete --timeout 60s\n"
	startPod    = "\nscale deployment node-monitor --namespace TARGET --replicas 1"
)

var setups = []setup{
	{name: "label-missing", breaks: "label namespace TARGET pcp.io/injection-", gate: "namespace", evidence: "it has no label pcp.io/injection"},
	{name: "label-of-another-value", breaks: "label --overwrite namespace TARGET pcp.io/injection=true", gate: "namespace", evidence: `its label pcp.io/injection is "true", and must be "enabled"`},
	{name: "annotation-missing", breaks: patchTemplate(`"pcp.io/inject":null`), gate: "request", evidence: "the pod template has no annotation pcp.io/inject"},
	{
		name: "annotation-on-the-workload", breaks: patchTemplate(`"pcp.io/inject":null`) + "\nannotate deployment node-monitor --namespace TARGET pcp.io/inject=true",
		gate: "request", evidence: "is on the Deployment itself, where it has no effect",
	},
	{name: "annotation-false", breaks: patchTemplate(`"pcp.io/inject":"false"`), gate: "request", evidence: `declines PCP: pcp.io/inject: "false"`},
	{name: "annotation-of-another-value", breaks: patchTemplate(`"pcp.io/inject":"yes"`), gate: "request", evidence: `pcp.io/inject: "yes", which must be "true" or "false"`},
	{name: "annotation-misspelled", breaks: patchTemplate(`"pcp.io/inject":null,"pcp.io/injct":"true"`), gate: "request", evidence: "has pcp.io/injct: did you mean pcp.io/inject?"},
	{name: "webhook-configuration-deleted", breaks: "delete " + webhookName, gate: "webhook", evidence: "the MutatingWebhookConfiguration of release pcp-injector, which looks after namespace TARGET, is gone"},
	{
		name: "condition-edited", gate: "conditions", evidence: `matchCondition "asks-for-injection" excludes the pod: request.namespace == 'other'`,
		breaks: `patch ` + webhookName + ` --type json --patch [{"op":"replace","path":"/webhooks/0/matchConditions/0/expression","value":"request.namespace\u0020==\u0020'other'"}]`,
	},
	{
		name: "condition-that-breaks", gate: "conditions", evidence: `matchCondition "asks-for-injection" cannot be evaluated for the pod:`,
		breaks: `patch ` + webhookName + ` --type json --patch [{"op":"replace","path":"/webhooks/0/matchConditions/0/expression","value":"object.metadata.labels.team\u0020==\u0020'a'"}]`,
	},
	{
		name: "condition-added", gate: "conditions", evidence: `matchCondition "never" excludes the pod: false`,
		breaks: `patch ` + webhookName + ` --type json --patch [{"op":"add","path":"/webhooks/0/matchConditions/-","value":{"name":"never","expression":"false"}}]`,
	},
	{
		name: "namespace-selector-edited", gate: "namespace", evidence: "does not match the webhook's namespaceSelector",
		breaks: `patch ` + webhookName + ` --type json --patch [{"op":"add","path":"/webhooks/0/namespaceSelector/matchLabels/team","value":"a"}]`,
	},
	{
		name: "object-selector-added", gate: "rules", evidence: "the objectSelector of pcp-injector.",
		breaks: `patch ` + webhookName + ` --type json --patch [{"op":"replace","path":"/webhooks/0/objectSelector","value":{"matchLabels":{"team":"a"}}}]`,
	},
	{
		name: "rules-edited", gate: "rules", evidence: "the rules of pcp-injector.",
		breaks: `patch ` + webhookName + ` --type json --patch [{"op":"replace","path":"/webhooks/0/rules/0/operations","value":["UPDATE"]}]`,
	},
	{name: "caBundle-of-another-authority", spoil: (*plugin).foreignAuthority, gate: "answer", evidence: "the caBundle and the webhook's certificate are of different authorities"},
	{name: "certificate-expired", spoil: (*plugin).expireCertificate, gate: "answer", evidence: "the webhook's certificate has expired", then: (*plugin).serveAgain},
	{name: "no-replicas", breaks: "scale deployment pcp-injector --namespace NAMESPACE --replicas 0", gate: "endpoints", evidence: "has no ready endpoint: Deployment pcp-injector has 0 of 0 pods ready"},
	{name: "injector-deleted", breaks: "delete deployment pcp-injector --namespace NAMESPACE", gate: "endpoints", evidence: "has no ready endpoint: its Deployment is gone"},
	{name: "service-deleted", breaks: "delete service pcp-injector --namespace NAMESPACE", gate: "endpoints", evidence: "Service pcp-injector in namespace NAMESPACE does not exist"},
	{
		name: "service-selects-nothing", breaks: `patch service pcp-injector --namespace NAMESPACE --type merge --patch {"spec":{"selector":{"team":"a"}}}`,
		gate: "endpoints", evidence: "has no ready endpoint: Deployment pcp-injector has 2 of 2 pods ready",
	},
	{name: "webhook-silent", spoil: func(p *plugin) { p.webhook.Kill() }, gate: "answer", evidence: "failed calling webhook", repair: "get pods --namespace NAMESPACE", then: (*plugin).serveAgain},
	{name: "configuration-deleted", breaks: "delete configmap pcp-injector --namespace NAMESPACE", gate: "configuration", evidence: "the injector's ConfigMap does not exist"},
	{
		name: "configuration-invalid", breaks: `patch configmap pcp-injector --namespace NAMESPACE --type merge --patch {"data":{"injector.yaml":"kind:\u0020Nonsense"}}`,
		gate: "configuration", evidence: "ConfigMap pcp-injector is not valid",
	},
	{name: "configuration-not-in-force", spoil: (*plugin).editConfiguration, gate: "configuration", evidence: "the webhook runs configuration", then: (*plugin).serveAgain, undo: (*plugin).resetConfiguration},
	{name: "pod-security-baseline", breaks: "label namespace TARGET pod-security.kubernetes.io/enforce=baseline", gate: "pod-security", evidence: "enforces baseline:latest, which forbids the pod with PCP:"},
	{name: "pod-security-restricted", breaks: "label namespace TARGET --overwrite pod-security.kubernetes.io/enforce=restricted", gate: "pod-security", evidence: "enforces restricted:latest"},
	{name: "claim-missing", breaks: stopPod + "delete persistentvolumeclaim pcp-pmlogger --namespace TARGET" + startPod, gate: "claims", evidence: "PersistentVolumeClaim pcp-pmlogger does not exist"},
	{name: "claim-pending", spoil: (*plugin).pendingClaim, gate: "claims", evidence: "PersistentVolumeClaim pcp-pmproxy is pending: volume nowhere is not available"},
	{
		name: "three-replicas", gate: "rollout", evidence: "spec.replicas is 3",
		breaks: "delete validatingadmissionpolicybinding pcp-injector.NAMESPACE.TARGET.workload\nSETTLE scale deployment node-monitor --namespace TARGET --replicas 3",
		undo:   (*plugin).restore,
	},
	{
		name: "rolling-update", gate: "rollout", evidence: "spec.strategy.type is RollingUpdate",
		breaks: "delete validatingadmissionpolicybinding pcp-injector.NAMESPACE.TARGET.workload\n" +
			`SETTLE patch deployment node-monitor --namespace TARGET --type merge --patch {"spec":{"strategy":{"type":"RollingUpdate"}}}`,
		undo: (*plugin).restore,
	},
	{name: "quota-of-pods", breaks: stopPod + "create quota pods --namespace TARGET --hard pods=0" + startPod, gate: "quota", evidence: "pods: the pod with PCP needs 1, in all 1 of 0", undo: deletes("quota pods")},
	{name: "default-limit-too-low", spoil: limitRange(`{default: {memory: 64Mi}, defaultRequest: {memory: 32Mi}, type: Container}`), gate: "limits", evidence: "the default memory limit 64Mi is below PCP's request of 128Mi", undo: deletes("limitrange low")},
	{name: "maximum-too-low", spoil: limitRange(`{max: {memory: 100Mi}, default: {memory: 100Mi}, defaultRequest: {memory: 10Mi}, type: Container}`), gate: "limits", evidence: "the default memory limit 100Mi is below PCP's request of 128Mi", undo: deletes("limitrange low")},
	{name: "policy-of-others", spoil: (*plugin).forbidPrivileged, gate: "policies", evidence: "ValidatingAdmissionPolicy no-privileged.TARGET denies it: privileged containers are not welcome", repair: "delete validatingadmissionpolicybinding no-privileged.TARGET"},
	{
		name: "reserved-volume", breaks: `patch deployment node-monitor --namespace TARGET --type json --patch [{"op":"add","path":"/spec/template/spec/volumes","value":[{"name":"pcp-mine","emptyDir":{}}]}]`,
		gate: "compatibility", evidence: `the prefix "pcp-" is reserved`, repair: `patch deployment node-monitor --namespace TARGET --type json --patch [{"op":"remove","path":"/spec/template/spec/volumes"}]`,
	},
	{
		name: "older-pod", gate: "pod", evidence: "has no PCP: it is older than the current set-up",
		spoil: (*plugin).agePod,
	},
	{name: "no-pod", breaks: stopPod, gate: "pod", evidence: "deployment/node-monitor has 0 replicas"},
	{name: "forged-owner", spoil: (*plugin).forgePod, subject: "pod/forged", gate: "creator", evidence: "pod claims to belong to Deployment"},
	{name: "another-target", spoil: (*plugin).addOther, subject: "deployment/other", gate: "target", evidence: `pod belongs to Deployment "other"`, then: (*plugin).serveAgain, undo: (*plugin).resetTarget},
}

// TestExplain breaks what can break, one thing after the other: explain names the true cause first, and what it suggests mends it.
func TestExplain(t *testing.T) { //nolint:tparallel // the set-ups are those of one release, one after the other
	t.Parallel()
	p := pluginFor(t, "guard.warnings.scope=None")
	p.apply(nodeMonitor()).must(t)
	p.pod("node-monitor", injected)
	p.requireGreen("explain", nodeMonitorDeployment)
	said := p.run("explain", nodeMonitorDeployment)
	said.must(t)
	t.Logf("explain took %s, %s of it on the processor", said.took, said.processor)
	if n := p.requests("explain", nodeMonitorDeployment); n > 25 {
		t.Errorf("explain made %d requests, want 25 at most", n)
	} else {
		t.Logf("explain made %d requests", n)
	}
	for _, s := range setups {
		t.Run(s.name, func(t *testing.T) {
			outer := p.t
			p.t = t
			defer func() { p.t = outer }()
			p.try(&s)
		})
		if t.Failed() {
			t.Fatal("the set-ups after this one begin where all is well: they were not tried")
		}
	}
	p.requireWhole()
}

func (p *plugin) try(s *setup) {
	p.t.Helper()
	p.commands(s.breaks)
	if s.spoil != nil {
		s.spoil(p)
	}
	subject := nodeMonitorDeployment
	if s.subject != "" {
		subject = s.subject
	}
	cause := p.awaitCause(s, subject)
	switch {
	case s.repair != "":
		p.commands(s.repair)
	case cause.Remedy == nil:
		p.t.Fatalf("gate %s has no remedy", cause.Name)
	default:
		p.follow(cause.Remedy)
	}
	if s.then != nil {
		s.then(p)
	}
	if strings.HasPrefix(subject, "pod/") {
		subject = nodeMonitorDeployment
	}
	p.requireGreen("explain", subject)
	if s.undo != nil {
		s.undo(p)
		p.requireGreen("explain", nodeMonitorDeployment)
	}
}

// awaitCause waits until the API server heeds what has changed, and explain says so.
func (p *plugin) awaitCause(s *setup, subject string) *found {
	p.t.Helper()
	var cause *found
	p.eventually("the cause", func(context.Context) error {
		report := p.report("explain", subject)
		cause = report.First(gate.Failed)
		if cause == nil || cause.Name != s.gate || !strings.Contains(cause.Evidence, p.expand(s.evidence)) {
			return fmt.Errorf("want gate %s to fail first: %s\n%s", s.gate, p.expand(s.evidence), text(report))
		}
		return nil
	})
	return cause
}

func (r *release) expand(text string) string {
	return strings.NewReplacer("TARGET", r.target, "NAMESPACE", r.namespace).Replace(text)
}

// commands runs lines of kubectl's arguments. SETTLE before one repeats it until it succeeds: policies take a moment to be heeded.
func (p *plugin) commands(lines string) {
	p.t.Helper()
	for line := range strings.FieldsFuncSeq(lines, func(r rune) bool { return r == '\n' }) {
		arguments := strings.Fields(p.expand(line))
		if arguments[0] == "SETTLE" {
			p.eventually(line, func(context.Context) error { return kubectl(p.t, "", arguments[1:]...).failure() })
			continue
		}
		mustKubectl(p.t, "", arguments...)
	}
}

// failure is the command's, with what it said.
func (o output) failure() error {
	if o.err == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", o.err, o.all())
}

func deletes(what string) func(*plugin) {
	return func(p *plugin) { p.commands("delete " + what + " --namespace TARGET") }
}

// restore has Helm apply again what it has installed.
func (p *plugin) restore() {
	p.t.Helper()
	p.must("rollback", p.name, p.deployed(), "--namespace", p.namespace)
}

func (p *plugin) serveAgain() { p.serve() }

func (p *plugin) foreignAuthority() {
	p.t.Helper()
	authority, err := cluster.NewAuthority("another")
	if err != nil {
		p.t.Fatal(err)
	}
	p.setCABundle(authority)
}

func (p *plugin) setCABundle(authority *cluster.Authority) {
	p.t.Helper()
	patch := manifest(p.t, []map[string]any{{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": authority.PEM()}})
	mustKubectl(p.t, "", "patch", "mutatingwebhookconfiguration", p.fullname()+"."+p.namespace, "--type", "json", "--patch", patch)
}

// expireCertificate gives the webhook a certificate of an authority that is trusted, from yesterday.
func (p *plugin) expireCertificate() {
	p.t.Helper()
	authority, err := cluster.NewAuthority("past")
	if err != nil {
		p.t.Fatal(err)
	}
	certificate, err := authority.ServingCertificateUntil(time.Now().Add(-time.Minute), "pcp-injector."+p.namespace+".svc")
	if err != nil {
		p.t.Fatal(err)
	}
	p.setCABundle(authority)
	if err := p.webhook.SetCertificate(map[string][]byte{"tls.crt": certificate.Cert, "tls.key": certificate.Key}); err != nil {
		p.t.Fatal(err)
	}
}

// editConfiguration changes the configuration without a restart of the webhook.
func (p *plugin) editConfiguration() {
	p.t.Helper()
	text := mustKubectl(p.t, "", "get", "configmap", "pcp-injector", "--namespace", p.namespace, "--output", `go-template={{index .data "injector.yaml"}}`)
	patch := manifest(p.t, map[string]any{"data": map[string]string{"injector.yaml": text + "\ncontainer: {image: registry.example.com/pcp:next}\n"}})
	mustKubectl(p.t, "", "patch", "configmap", "pcp-injector", "--namespace", p.namespace, "--type", "merge", "--patch", patch)
}

func (p *plugin) resetConfiguration() {
	p.commands("delete configmap pcp-injector --namespace NAMESPACE")
	p.restore()
	p.serve()
}

// addOther applies a workload that asks, but is not the target.
func (p *plugin) addOther() {
	p.t.Helper()
	p.apply(nodeMonitor(func(d *appsv1.Deployment) {
		labels := map[string]string{"app": "other"}
		d.Name, d.Spec.Selector, d.Spec.Template.Labels = "other", &metav1.LabelSelector{MatchLabels: labels}, labels
	})).must(p.t)
}

func (p *plugin) resetTarget() {
	p.t.Helper()
	// Helm keeps the NetworkPolicy of a former target, and takes back none that it has let go.
	p.commands("delete deployment/other networkpolicy/node-monitor-pcp --namespace TARGET")
	p.deploy("upgrade", injectorChart)
	p.serve()
}

// pendingClaim replaces a claim by one that waits in vain.
func (p *plugin) pendingClaim() {
	p.t.Helper()
	p.commands(stopPod + "delete persistentvolumeclaim pcp-pmproxy --namespace TARGET")
	mustKubectl(p.t, `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: pcp-pmproxy}, spec: {accessModes: [ReadWriteOnce], volumeName: nowhere, resources: {requests: {storage: 1Gi}}}}`,
		"apply", "--namespace", p.target, "-f", "-")
	p.commands(startPod)
}

func limitRange(item string) func(*plugin) {
	return func(p *plugin) {
		p.t.Helper()
		p.commands(stopPod)
		mustKubectl(p.t, "{apiVersion: v1, kind: LimitRange, metadata: {name: low}, spec: {limits: ["+item+"]}}", "apply", "--namespace", p.target, "-f", "-")
		p.commands(startPod)
	}
}

// forbidPrivileged is what many clusters have.
func (p *plugin) forbidPrivileged() {
	p.t.Helper()
	mustKubectl(p.t, p.expand(`
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-privileged.TARGET}
spec:
  matchConstraints:
    namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: TARGET}}
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]
  validations:
    - expression: "!object.spec.containers.exists(c, c.?securityContext.?privileged.orValue(false))"
      message: privileged containers are not welcome
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-privileged.TARGET}
spec: {policyName: no-privileged.TARGET, validationActions: [Deny]}
`), "apply", "-f", "-")
}

// agePod lets the pod be created before the namespace opts in.
func (p *plugin) agePod() {
	p.t.Helper()
	p.commands("label namespace TARGET pcp.io/injection-")
	p.eventually("a pod without PCP", func(ctx context.Context) error {
		p.replacePod()
		pods, err := plane.Client().CoreV1().Pods(p.target).List(ctx, metav1.ListOptions{LabelSelector: "app=node-monitor"})
		if err != nil || len(pods.Items) != 1 {
			return fmt.Errorf("%d pods: %w", len(pods.Items), err)
		}
		return untouched(&pods.Items[0])
	})
	p.commands("label namespace TARGET pcp.io/injection=enabled")
}

// forgePod creates a pod that claims to be the Deployment's.
func (p *plugin) forgePod() {
	p.t.Helper()
	genuine := p.pod("node-monitor", injected)
	pod := corev1.Pod{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{
			Name: "forged", Annotations: map[string]string{"pcp.io/inject": "true"}, OwnerReferences: genuine.OwnerReferences,
			Labels: map[string]string{"pod-template-hash": genuine.Labels["pod-template-hash"]},
		},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "registry.example.com/app:v1"}}},
	}
	mustKubectl(p.t, manifest(p.t, pod), "create", "--namespace", p.target, "-f", "-")
}
