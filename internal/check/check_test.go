package check

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/pmproxy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

var now = time.Date(2026, time.November, 26, 5, 0, 0, 0, time.UTC)

// healthy is an installation that is well in everything that these tests examine. test/charts and test/e2e examine real ones.
func healthy(t *testing.T) *inspection {
	t.Helper()
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "pcp-injector.pcp-system", Labels: map[string]string{snapshot.InstanceLabel: "pcp-injector", versionLabel: "v1.2.0"}},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{ClientConfig: admissionregistrationv1.WebhookClientConfig{
			Service: &admissionregistrationv1.ServiceReference{Namespace: "pcp-system", Name: "pcp-injector"},
		}}},
	}
	injector := &snapshot.Injector{Webhook: snapshot.Webhook{Configuration: configuration, Webhook: &configuration.Webhooks[0]}}
	injector.Deployments.Value = []appsv1.Deployment{{
		ObjectMeta: metav1.ObjectMeta{Name: "pcp-injector", Namespace: "pcp-system"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(2)), Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "pcp-injector"}},
			Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "webhook"}}}},
		},
		Status: appsv1.DeploymentStatus{ReadyReplicas: 2, UpdatedReplicas: 2},
	}}
	s := &snapshot.Snapshot{Subject: snapshot.Subject{Namespace: "monitoring"}, Injector: injector}
	s.Trial.Value.Status = &mutate.Status{Version: "v1.2.0"}
	s.Claims.Value = []corev1.PersistentVolumeClaim{{ObjectMeta: metav1.ObjectMeta{Name: "pcp-pmlogger"}, Spec: corev1.PersistentVolumeClaimSpec{
		Resources: corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}},
	}}}
	in := &snapshot.Installation{Snapshot: s, Authority: authority()}
	cfg, err := config.Parse([]byte("{apiVersion: config.pcp.io/v1alpha1, kind: InjectorConfig, target: {namespace: monitoring, kind: StatefulSet, name: node-monitor}}"), "injector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	in.Live.Value = &snapshot.Live{Config: cfg, Pods: []snapshot.LivePod{{Pod: &unstructured.Unstructured{Object: map[string]any{
		"metadata": map[string]any{"name": "node-monitor-0", "namespace": "monitoring"},
	}}}}}
	in.PCP = []snapshot.PCP{running()}
	return &inspection{in, nil, "v1.2.0", now}
}

func authority() *snapshot.Authority {
	a := &snapshot.Authority{Namespace: "pcp-system", Name: "pcp-injector-tls"}
	for _, c := range []struct{ name, issuer string }{{"pcp-injector-ca", "pcp-injector-root"}, {"pcp-injector-tls", "pcp-injector-ca"}} {
		certificate := cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Name: c.name, Namespace: a.Namespace}}
		certificate.Spec.SecretName, certificate.Spec.IssuerRef.Name = c.name, c.issuer
		certificate.Status.Conditions = []cmapi.CertificateCondition{{Type: cmapi.CertificateConditionReady, Status: cmmeta.ConditionTrue}}
		certificate.Status.NotAfter, certificate.Status.RenewalTime = &metav1.Time{Time: now.AddDate(0, 3, 0)}, &metav1.Time{Time: now.AddDate(0, 2, 0)}
		a.Certificates.Value = append(a.Certificates.Value, certificate)
	}
	for _, name := range []string{"pcp-injector-root", "pcp-injector-ca"} {
		issuer := cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: a.Namespace}}
		issuer.Status.Conditions = []cmapi.IssuerCondition{{Type: cmapi.IssuerConditionReady, Status: cmmeta.ConditionTrue}}
		a.Issuers.Value = append(a.Issuers.Value, issuer)
	}
	a.Issuers.Value[1].Spec.CA = &cmapi.CAIssuer{SecretName: "pcp-injector-ca"}
	return a
}

func running() snapshot.PCP {
	p := snapshot.PCP{Pod: "node-monitor-0", Reached: true}
	p.State.Value = &pmproxy.State{Version: "7.2.2", Archive: "/var/log/pcp/pmlogger/node-monitor/20261126.04.12", Agents: []pmproxy.Agent{{Name: "linux"}, {Name: "proc"}}}
	p.Archives.Value = &snapshot.Archives{
		Files: 6, Bytes: 300 << 20, Oldest: now.AddDate(0, 0, -1), Newest: now.Add(-8 * time.Second), Now: now, Capacity: 10 << 30, Free: 9 << 30,
	}
	return p
}

func forbidden(text string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "node-monitor-0", errors.New(text))
}

// examined are the gates that these tests examine.
func (i *inspection) examined() *gate.Report {
	report := &gate.Report{Gates: append([]gate.Gate{i.versions(), i.replicas()}, i.chain()...)}
	for _, pcp := range i.pcp() {
		report.Gates = append(report.Gates, pcp.Gates...)
	}
	return report
}

func TestHealthy(t *testing.T) {
	t.Parallel()
	if report := healthy(t).examined(); report.Result() != gate.Passed || len(report.Gates) != 11 {
		t.Errorf("want 11 gates to be passed: %+v", report.Gates)
	}
}

// TestFindings: what is wrong is found, and comes first.
func TestFindings(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		spoil  func(*inspection)
		gate   string
		result gate.Result
		says   string
		// does is part of one of the remedy's commands.
		does string
	}{
		{"plugin-newer", func(i *inspection) { i.version = "v1.3.0" }, "version", gate.Warning, "the webhook v1.2.0, which is older", "helm upgrade pcp-injector"},
		{"plugin-older", func(i *inspection) { i.version = "v1.1.0" }, "version", gate.Warning, "the webhook v1.2.0, which is newer", ""},
		{"plugin-of-nobody", func(i *inspection) { i.version = "(devel)" }, "version", gate.Passed, "they are not compared, because the plugin is no release", ""},
		{"plugin-untagged", func(i *inspection) { i.version = "v0.0.0-g1fb2ff8" }, "version", gate.Passed, "they are not compared, because the plugin is no release", ""},
		{"webhook-untagged", func(i *inspection) { i.Trial.Value.Status.Version = "v0.0.0-20261126111608-1fb2ff8aaaaa" }, "version", gate.Passed, "they are not compared, because the webhook is no release", ""},
		{
			"older-by-label", func(i *inspection) { i.version, i.Trial.Value.Status = "v1.3.0", nil }, "version", gate.Warning, "the webhook v1.2.0 (by a label), which is older", "helm upgrade",
		},
		{"one-replica", func(i *inspection) { i.Injector.Deployments.Value[0].Status.ReadyReplicas = 1 }, "replicas", gate.Warning, "1 of 2 pods ready", "describe pods --selector app=pcp-injector"},
		{"rollout", func(i *inspection) { i.Injector.Deployments.Value[0].Status.UpdatedReplicas = 1 }, "replicas", gate.Warning, "1 of them new", "rollout status"},
		{
			"root-not-ready", func(i *inspection) {
				i.Authority.Issuers.Value[0].Status.Conditions[0] = cmapi.IssuerCondition{Type: cmapi.IssuerConditionReady, Status: cmmeta.ConditionFalse, Reason: "Broken", Message: "it is"}
				i.Authority.Certificates.Value[1].Status.Conditions[0].Status = cmmeta.ConditionFalse
			}, "issuer", gate.Failed, "Issuer pcp-injector-root is not ready: Broken: it is", "describe issuer pcp-injector-root",
		},
		{
			"issuer-of-others-missing", func(i *inspection) {
				i.Authority.Certificates.Value[1].Spec.IssuerRef = cmmeta.ObjectReference{Name: "company", Kind: cmapi.ClusterIssuerKind}
			}, "issuer", gate.Failed, "ClusterIssuer company does not exist", "",
		},
		{
			"expired", func(i *inspection) { i.Authority.Certificates.Value[1].Status.NotAfter.Time = now.Add(-time.Hour) },
			"certificate", gate.Failed, "Certificate pcp-injector-tls has expired on 2026-11-26 04:00 UTC", "describe certificates,certificaterequests",
		},
		{
			"renewal-overdue", func(i *inspection) {
				i.Authority.Certificates.Value[1].Status.NotAfter.Time, i.Authority.Certificates.Value[1].Status.RenewalTime.Time = now.Add(time.Hour), now.Add(-2*time.Hour)
			}, "certificate", gate.Warning, "should have been renewed on 2026-11-26 03:00 UTC", "describe certificates",
		},
		{"issuers-in-a-circle", func(i *inspection) { i.Authority.Certificates.Value[0].Spec.IssuerRef.Name = "pcp-injector-ca" }, "", gate.Passed, "", ""},
		{"annotation-for-a-shell", func(i *inspection) { i.Authority.Name = "$(reboot)" }, "certificate", gate.Failed, "names no Certificate", "delete mutatingwebhookconfiguration"},
		{
			"crash-loop", func(i *inspection) {
				i.Live.Value.Pods[0].Pod.Object["status"] = map[string]any{"containerStatuses": []any{map[string]any{
					"name": "pcp", "state": map[string]any{"waiting": map[string]any{"reason": "CrashLoopBackOff", "message": "back-off 5m0s"}},
				}}}
			}, "container", gate.Failed, "container pcp: CrashLoopBackOff: back-off 5m0s", "logs node-monitor-0 --container pcp --previous",
		},
		{"pmcd-silent", func(i *inspection) { i.PCP[0].State.Err = errors.New("pmproxy has no answer: 400 bad request") }, "pmcd", gate.Failed, "pmproxy has no answer", "systemctl restart pmcd pmproxy"},
		{
			"no-way", func(i *inspection) {
				i.PCP[0].Reached, i.PCP[0].State.Err = false, errors.New("no port-forward was made")
			}, "pmcd", gate.Unknown, "unknown, because", "",
		},
		{"agent-failed", func(i *inspection) { i.PCP[0].State.Value.Agents[1].Status = 1 }, "agents", gate.Failed, "1 of 2 do not work: proc", "systemctl restart pmcd"},
		{
			"agent-missing", func(i *inspection) { i.Live.Value.Config.Container.DomainAgents = []string{"bpftrace"} }, "agents", gate.Failed, "bpftrace: requested, but missing", "ls /var/lib/pcp/pmdas",
		},
		{
			"source-unreachable", func(i *inspection) {
				i.PCP[0].State.Value.Sources = []pmproxy.Source{{Name: "app", Result: pmproxy.Unreachable, Problem: "Connection refused"}, {Name: "db", Result: pmproxy.Reachable}}
			}, "sources", gate.Failed, "1 of 2 OpenMetrics sources cannot be read: app: Connection refused", "describe pod node-monitor-0",
		},
		{"source-untried", func(i *inspection) {
			i.PCP[0].State.Value.Sources = []pmproxy.Source{{Name: "app", Result: pmproxy.Untried}}
		}, "sources", gate.Unknown, "not read them yet: app", ""},
		{"old-receiver", func(i *inspection) {
			i.PCP[0].State.Value.Version = "7.1.5"
			i.Live.Value.Config.Container.AcceptArchives = true
		}, "pmcd", gate.Failed, "PCP 7.1.5 answers, but accepts archives, which needs PCP 7.2.0 or later", ""},
		{"no-logger", func(i *inspection) { i.PCP[0].State.Value.Archive = "" }, "archives", gate.Failed, "no pmlogger runs", "systemctl restart pmlogger"},
		{"archives-stand-still", func(i *inspection) { i.PCP[0].Archives.Value.Newest = now.Add(-time.Hour) }, "archives", gate.Failed, "no archive has grown for 1h0m0s", "systemctl restart pmlogger"},
		{"volume-full", func(i *inspection) { i.PCP[0].Archives.Value.Free = 100 << 20 }, "volume", gate.Failed, "99% of 10Gi used, 100Mi free: about 1.0 days of archives fit, fewer than the 14", `"storage":"2Gi"`},
		{"volume-fills", func(i *inspection) { i.PCP[0].Archives.Value.Bytes = 4 << 30 }, "volume", gate.Warning, "9.0Gi free: about 2.6 days of archives fit, fewer than the 14 of persistence.pmlogger.retention", "patch persistentvolumeclaim pcp-pmlogger"},
		{"volume-makes-room", func(i *inspection) {
			a := i.PCP[0].Archives.Value
			a.Bytes, a.Free, a.Oldest = 7<<30, 2<<30, a.Newest.Add(-48*time.Hour)
		}, "volume", gate.Warning, "80% of 10Gi used, 2.0Gi free: about 2.0 days of archives fit, fewer", "patch persistentvolumeclaim pcp-pmlogger"},
		{"volume-young", func(i *inspection) {
			a := i.PCP[0].Archives.Value
			a.Oldest = a.Newest.Add(-time.Minute)
		}, "volume", gate.Passed, "not known before the first hour", ""},
		{
			"no-right-to-measure", func(i *inspection) { i.PCP[0].Archives.Err = forbidden(`needs the verb "exec" on "injections"`) }, "archives", gate.Unknown, "unknown, because you lack a right", "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			i := healthy(t)
			test.spoil(i)
			report := i.examined()
			if test.result == gate.Passed {
				if report.Result() != gate.Passed {
					t.Errorf("want all to be passed: %+v", report.Gates)
				}
				return
			}
			found := report.First(report.Result())
			if found.Name != test.gate || found.Result != test.result || !strings.Contains(found.Evidence, test.says) {
				t.Fatalf("want %s of %s first: %s; got %+v", test.result, test.gate, test.says, found)
			}
			if test.does != "" && (found.Remedy == nil || !strings.Contains(strings.Join(found.Remedy.Text().Commands, "\n"), test.does)) {
				t.Errorf("want %q in the remedy %+v", test.does, found.Remedy)
			}
		})
	}
}

// TestRights: the guard's verb is distinguished from RBAC's, and a user's name is one word for a shell, whatever it contains.
func TestRights(t *testing.T) {
	t.Parallel()
	const user = `al'ice"$(reboot)`
	i := healthy(t)
	i.User.Value.Username = user
	i.Webhooks.Err = forbidden("")
	i.PCP[0].Archives.Err = forbidden(`needs the verb "exec" on "injections"`)
	i.PCP[0].State.Err = forbidden("")
	var said []string
	for _, right := range i.rights().Gates {
		said = append(said, right.Evidence)
		words, err := exec.CommandContext(t.Context(), "sh", "-c", "set -- "+strings.TrimSpace(right.Remedy.Text().Commands[1])+`; printf %s "${8:-$6}"`).Output()
		if err != nil || !strings.HasSuffix(string(words), "--user="+user) {
			t.Errorf("the shell reads %q (error: %v), want the user to be %q", words, err, user)
		}
	}
	want := []string{
		"you may not get and list mutatingwebhookconfigurations.admissionregistration.k8s.io in the cluster",
		"you may not create pods/portforward in namespace monitoring", "you may not exec injections.pcp.io in namespace monitoring",
	}
	if strings.Join(said, "\n") != strings.Join(want, "\n") {
		t.Errorf("got %q, want %q", said, want)
	}
}
