package explain_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/performancecopilot/pcp-injector/internal/explain"
	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

var update = flag.Bool("update", false, "write the golden files of testdata")

// healthy is a cluster in which all is well, and a manifest that asks for PCP.
func healthy(t *testing.T, edits ...func(*appsv1.Deployment)) *snapshot.Snapshot {
	t.Helper()
	s := &snapshot.Snapshot{Subject: *subject(t, edits...)}
	s.User.Value = authenticationv1.UserInfo{Username: "alice"}
	s.Namespace.Value = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "monitoring", Labels: map[string]string{
		"kubernetes.io/metadata.name": "monitoring", "pcp.io/injection": "enabled",
	}}}
	configuration := &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "pcp-injector.pcp-system", Labels: map[string]string{"app.kubernetes.io/instance": "pcp-injector"}},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "pcp-injector.pcp-system.pcp.io",
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				Service: &admissionregistrationv1.ServiceReference{Namespace: "pcp-system", Name: "pcp-injector"},
			},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
				Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}},
			}},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: s.Namespace.Value.Labels},
			MatchConditions:   []admissionregistrationv1.MatchCondition{{Name: "asks", Expression: "object.metadata.?annotations[?'pcp.io/inject'].orValue('false') != 'false'"}},
			FailurePolicy:     new(admissionregistrationv1.Fail),
		}},
	}
	s.Webhooks.Value = []snapshot.Webhook{{Configuration: configuration, Webhook: &configuration.Webhooks[0]}}
	s.Injector = &snapshot.Injector{Webhook: s.Webhooks.Value[0]}
	s.Injector.Service.Value = &corev1.Service{}
	s.Injector.Endpoints.Value = []discoveryv1.EndpointSlice{{Endpoints: []discoveryv1.Endpoint{{Conditions: discoveryv1.EndpointConditions{Ready: new(true)}}}}}
	s.Injector.Config.Value = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "pcp-injector"}, Data: map[string]string{"injector.yaml": "{apiVersion: config.pcp.io/v1alpha1, kind: InjectorConfig}"}}
	s.Trial.Value.Status = &mutate.Status{Version: "v1.0.0", Reason: mutate.ReasonNotDesignated, Config: hash(t)}
	for _, name := range []string{"pcp-pmlogger", "pcp-pmproxy"} {
		claim := corev1.PersistentVolumeClaim{ObjectMeta: metav1.ObjectMeta{Name: name}}
		claim.Status.Phase = corev1.ClaimBound
		s.Claims.Value = append(s.Claims.Value, claim)
	}
	return s
}

func hash(t *testing.T) string {
	t.Helper()
	cfg := config.Default()
	cfg.Complete()
	injector, err := mutate.New(cfg, "")
	if err != nil {
		t.Fatal(err)
	}
	return injector.ConfigHash()
}

// subject is the default target, in a manifest.
func subject(t *testing.T, edits ...func(*appsv1.Deployment)) *snapshot.Subject {
	t.Helper()
	deployment := &appsv1.Deployment{
		TypeMeta: metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"}, ObjectMeta: metav1.ObjectMeta{Name: "node-monitor"},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)), Strategy: appsv1.DeploymentStrategy{Type: appsv1.RecreateDeploymentStrategyType},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"pcp.io/inject": "true"}},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: "app:v1"}}},
			},
		},
	}
	for _, edit := range edits {
		edit(deployment)
	}
	text, err := json.Marshal(deployment)
	if err != nil {
		t.Fatal(err)
	}
	workloads, err := manifest.WorkloadsOf(text)
	if err != nil {
		t.Fatal(err)
	}
	found, err := snapshot.SubjectFrom(&workloads[0], "node-monitor.yaml", "monitoring")
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func forbidden(kind string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: kind}, "", errors.New(`User "alice" cannot list resource "`+kind+`"`))
}

// newcomers changes the Deployment to what its author writes before reading anything: the annotation is not on the template, and the
// strategy is the default.
func newcomers(d *appsv1.Deployment) {
	d.Annotations, d.Spec.Template.Annotations = d.Spec.Template.Annotations, nil
	d.Spec.Strategy.Type = appsv1.RollingUpdateDeploymentStrategyType
}

// TestExplain shows what users see, and covers what no test with a control plane covers.
func TestExplain(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file  string
		style gate.Style
		edit  func(*appsv1.Deployment)
		spoil func(*snapshot.Snapshot)
		want  string // gate that decides; empty if all pass
	}{
		{file: "healthy.txt"},
		{file: "healthy-color.txt", style: gate.Style{Color: true}},
		{
			file: "not-opted-in.txt", want: "namespace",
			spoil: func(s *snapshot.Snapshot) {
				s.Namespace.Value.Labels = map[string]string{"kubernetes.io/metadata.name": "monitoring"}
			},
		},
		{
			file: "newcomer.txt", want: "namespace", edit: newcomers,
			spoil: func(s *snapshot.Snapshot) {
				s.Subject.Stored = true
				s.Namespace.Value.Labels = map[string]string{
					"kubernetes.io/metadata.name": "monitoring", "pcp.io/injection": "true", "pod-security.kubernetes.io/enforce": "baseline",
				}
				s.Claims.Value = s.Claims.Value[1:]
				s.Pods.Value = []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "node-monitor-5d4f8c7b9-x2x7k"}}}
			},
		},
		{
			file: "elsewhere.txt", want: "namespace", edit: newcomers,
			spoil: func(s *snapshot.Snapshot) {
				s.Subject.Namespace = "default"
				s.Webhooks.Value[0].Webhook.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": "monitoring"}}
			},
		},
		{
			file: "another-target.txt", want: "target",
			edit: func(d *appsv1.Deployment) { d.Name = "other" },
		},
		{file: "newcomers-file.txt", want: "request", edit: newcomers},
		{
			file: "typo-in-file.txt", want: "request",
			edit: func(d *appsv1.Deployment) {
				d.Spec.Template.Annotations = map[string]string{"pcp.io/injct": "true"}
			},
		},
		{
			// The template does not ask, and other problems are found as if it did.
			file: "silent-and-incompatible.txt", want: "request",
			edit: func(d *appsv1.Deployment) {
				d.Spec.Template.Annotations = map[string]string{"pcp.io/inject": "yes"}
				d.Spec.Template.Spec.HostPID = true
			},
			spoil: func(s *snapshot.Snapshot) { s.Subject.Stored = true },
		},
		{
			file: "incompatible-color.txt", style: gate.Style{Color: true}, want: "compatibility",
			edit: func(d *appsv1.Deployment) { d.Spec.Template.Spec.HostPID = true },
		},
		{
			file: "no-rights.txt", want: "webhook",
			spoil: func(s *snapshot.Snapshot) {
				s.Injector, s.Webhooks = nil, snapshot.Read[[]snapshot.Webhook]{Err: forbidden("mutatingwebhookconfigurations")}
				s.Quotas.Err = forbidden("resourcequotas")
			},
		},
		{
			file: "tolerated-silence.txt", want: "answer",
			spoil: func(s *snapshot.Snapshot) {
				*s.Injector.Webhook.Webhook.FailurePolicy = admissionregistrationv1.Ignore
				s.Trial.Value.Status = nil
			},
		},
		{
			file: "claim-lost.txt", want: "claims",
			spoil: func(s *snapshot.Snapshot) { s.Claims.Value[0].Status.Phase = corev1.ClaimLost },
		},
		{
			file: "claim-of-no-class.txt", want: "claims",
			spoil: func(s *snapshot.Snapshot) {
				s.Claims.Value[1].Status.Phase, s.Claims.Value[1].Spec.StorageClassName = corev1.ClaimPending, new("fast")
			},
		},
		{
			file: "claim-waits.txt",
			spoil: func(s *snapshot.Snapshot) {
				s.Claims.Value[1].Status.Phase, s.Claims.Value[1].Spec.StorageClassName = corev1.ClaimPending, new("local")
				s.Classes.Value = []storagev1.StorageClass{{ObjectMeta: metav1.ObjectMeta{Name: "local"}, VolumeBindingMode: new(storagev1.VolumeBindingWaitForFirstConsumer)}}
			},
		},
		{
			file: "quota-of-limits.txt", want: "quota",
			edit: func(d *appsv1.Deployment) {
				d.Spec.Template.Spec.Containers[0].Resources.Limits = corev1.ResourceList{"memory": resource.MustParse("1Gi")}
			},
			spoil: func(s *snapshot.Snapshot) {
				s.Quotas.Value = []corev1.ResourceQuota{{
					ObjectMeta: metav1.ObjectMeta{Name: "memory"}, Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"limits.memory": resource.MustParse("8Gi")}},
				}}
			},
		},
		{
			// The pod that runs has filled the quota, and a quota of other pods does not.
			file: "two-quotas.txt", want: "quota",
			spoil: func(s *snapshot.Snapshot) {
				s.Subject.Stored = true
				s.Pods.Value = []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "node-monitor-0", Annotations: map[string]string{"pcp.io/status": `{"reason":"Injected"}`}}}}
				s.Quotas.Value = []corev1.ResourceQuota{
					quota("batch", "requests.cpu", "1m", corev1.ResourceQuotaScopeTerminating),
					quota("limits", "limits.memory", "8Gi"),
					quota("requests", "requests.cpu", "10m", corev1.ResourceQuotaScopeNotTerminating),
				}
			},
		},
		{
			// The pod says why it has no PCP. That was before this Deployment became the target.
			file: "left-out.txt", want: "pod",
			spoil: func(s *snapshot.Snapshot) { s.Subject.Stored, s.Pods.Value = true, leftOut(notDesignated) },
		},
		{
			file: "left-out-and-not-opted-in.txt", want: "namespace",
			edit: func(d *appsv1.Deployment) { d.Name = "other" },
			spoil: func(s *snapshot.Snapshot) {
				s.Subject.Stored, s.Pods.Value = true, leftOut(notDesignated)
				s.Namespace.Value.Labels = map[string]string{"kubernetes.io/metadata.name": "monitoring"}
			},
		},
		{file: "left-out-role-edit.txt", want: "pod", spoil: roleEdit(leftOut(notDesignated))},
		{file: "forged-role-edit.txt", want: "pod", spoil: roleEdit(leftOut(`{"reason":"UntrustedCreator","message":"user \"eve\" created it"}`))},
		{file: "silent-role-edit.txt", want: "pod", spoil: roleEdit([]corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "node-monitor-0"}}})},
		{
			// What the API server says of the pod is what another gate has said.
			file: "refused-once.txt", want: "compatibility",
			edit: func(d *appsv1.Deployment) {
				d.Spec.Template.Spec.HostPID = true
				d.Status.Conditions = []appsv1.DeploymentCondition{{
					Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue,
					Message: `admission webhook "pcp-injector.pcp-system.pcp.io" denied the request: Incompatible: spec.hostPID: Invalid value: true`,
				}}
			},
			spoil: func(s *snapshot.Snapshot) { s.Subject.Stored = true },
		},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			edit := test.edit
			if edit == nil {
				edit = func(*appsv1.Deployment) {}
			}
			s := healthy(t, edit)
			if test.spoil != nil {
				test.spoil(s)
			}
			report, err := explain.Explain(t.Context(), s)
			if err != nil {
				t.Fatal(err)
			}
			requireDecisive(t, report, test.want)
			requireGolden(t, test.file, report, test.style)
		})
	}
}

const notDesignated = `{"reason":"NotDesignated","message":"the pod belongs to Deployment \"node-monitor\", but only Deployment \"former\" gets PCP"}`

// leftOut is a pod that has asked, and what the injector has said.
func leftOut(status string) []corev1.Pod {
	return []corev1.Pod{{ObjectMeta: metav1.ObjectMeta{Name: "node-monitor-0", Annotations: map[string]string{"pcp.io/inject": "true", "pcp.io/status": status}}}}
}

// roleEdit is what a user with the role edit sees of pods that run.
func roleEdit(pods []corev1.Pod) func(*snapshot.Snapshot) {
	return func(s *snapshot.Snapshot) {
		s.Subject.Stored, s.Pods.Value, s.Injector = true, pods, nil
		s.Webhooks = snapshot.Read[[]snapshot.Webhook]{Err: forbidden("mutatingwebhookconfigurations")}
		s.Policies.Err, s.Bindings.Err = forbidden("validatingadmissionpolicies"), forbidden("validatingadmissionpolicybindings")
	}
}

func quota(name string, resourceName corev1.ResourceName, hard string, scopes ...corev1.ResourceQuotaScope) corev1.ResourceQuota {
	return corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{resourceName: resource.MustParse(hard)}, Scopes: scopes},
	}
}

func requireDecisive(t *testing.T, report *gate.Report, want string) {
	t.Helper()
	decisive := report.First(gate.Failed)
	if decisive == nil {
		decisive = report.First(gate.Unknown)
	}
	switch {
	case decisive == nil && want != "":
		t.Errorf("all gates are passed, want %s to decide", want)
	case decisive != nil && decisive.Name != want:
		t.Errorf("gate %s decides, want %q: %s", decisive.Name, want, decisive.Evidence)
	case decisive != nil && decisive.Remedy == nil:
		t.Errorf("gate %s has no remedy", decisive.Name)
	}
}

func requireGolden(t *testing.T, file string, report *gate.Report, style gate.Style) {
	t.Helper()
	var out bytes.Buffer
	if err := report.Write(&out, style); err != nil {
		t.Fatal(err)
	}
	got := strings.ReplaceAll(out.String(), hash(t), "CONFIG-HASH")
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// TestStray: for what only looks like the rest of an installation there is no command, because anyone may make one look so.
func TestStray(t *testing.T) {
	t.Parallel()
	s := healthy(t)
	s.Webhooks.Value, s.Injector = nil, nil
	s.Stray.Value = []appsv1.Deployment{{ObjectMeta: metav1.ObjectMeta{Name: "evil", Namespace: "of-eve", Labels: map[string]string{snapshot.InstanceLabel: "evil"}}}}
	report, err := explain.Explain(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	found := report.First(gate.Failed)
	if found.Name != "webhook" || !strings.Contains(found.Evidence, "although Deployment evil in namespace of-eve is there") || found.Remedy == nil {
		t.Fatalf("got %+v", found)
	}
	if commands := found.Remedy.Text().Commands; len(commands) > 0 {
		t.Errorf("got the commands %q", commands)
	}
}
