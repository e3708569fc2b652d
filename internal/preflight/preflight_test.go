package preflight_test

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/preflight"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

var update = flag.Bool("update", false, "write the golden files of testdata")

// TestOldest: the chart and the check want the same Kubernetes.
func TestOldest(t *testing.T) {
	t.Parallel()
	for _, chart := range []string{"pcp-injector", "pcp"} {
		text, err := os.ReadFile(filepath.Join("..", "..", "charts", chart, "Chart.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		if want := `kubeVersion: ">=` + preflight.Oldest + `-0"`; !strings.Contains(string(text), want+"\n") {
			t.Errorf("charts/%s/Chart.yaml does not say %s", chart, want)
		}
	}
}

// ready is a cluster that lacks nothing.
func ready(plan *preflight.Plan) *snapshot.Preflight {
	p := &snapshot.Preflight{Plan: plan.Plan}
	p.Version.Value = "v1.37.2"
	p.Namespace.Value = &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "monitoring"}}
	p.Classes.Value = []storagev1.StorageClass{{ObjectMeta: metav1.ObjectMeta{
		Name: "standard", Annotations: map[string]string{"storageclass.kubernetes.io/is-default-class": "true"},
	}}}
	p.Managers.Value = []appsv1.Deployment{{ObjectMeta: metav1.ObjectMeta{Name: "cert-manager", Namespace: "cert-manager"}, Status: appsv1.DeploymentStatus{ReadyReplicas: 1}}}
	return p
}

func missing(resource string) error {
	return apierrors.NewNotFound(schema.GroupResource{Resource: resource}, "")
}

func forbidden(resource string) error {
	return apierrors.NewForbidden(schema.GroupResource{Resource: resource}, "", errors.New(`User "alice" cannot list resource "`+resource+`"`))
}

// TestCheck shows what users see.
func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file, values string
		style        gate.Style
		spoil        func(*snapshot.Preflight)
		want         gate.Result
	}{
		{file: "ready.txt", want: gate.Passed},
		{file: "ready-color.txt", style: gate.Style{Color: true}, want: gate.Passed},
		{
			file: "bare.txt", want: gate.Failed,
			spoil: func(p *snapshot.Preflight) {
				p.Version.Value = "v1.29.4"
				p.Lacked.Value = []snapshot.Right{{Verbs: []string{"create", "delete"}, Resource: "validatingadmissionpolicies", Group: "admissionregistration.k8s.io"}}
				p.Issuer.Err, p.Namespace.Err, p.Namespace.Value, p.Classes.Value = missing("issuers"), missing("namespaces"), nil, nil
				p.PodTrial.Err = missing("namespaces")
			},
		},
		{
			file: "bare-color.txt", want: gate.Failed, style: gate.Style{Color: true},
			spoil: func(p *snapshot.Preflight) { p.Issuer.Err = missing("issuers") },
		},
		{
			file: "new-namespace.txt", want: gate.Unknown,
			values: "{certificates: {mode: helm}, pcp: {namespace: {create: true}, claims: {create: false}}}",
			spoil: func(p *snapshot.Preflight) {
				p.Namespace.Err, p.Namespace.Value, p.PodTrial.Err = missing("namespaces"), nil, missing("namespaces")
			},
		},
		{
			file: "refused.txt", want: gate.Failed, values: "{config: {persistence: {pmlogger: {storageClassName: fast}}}}",
			spoil: func(p *snapshot.Preflight) {
				p.PodTrial.Value = errors.New(`admission webhook "validate.kyverno.svc-fail" denied the request: privileged containers are not allowed`)
				p.Managers.Value[0].Status.ReadyReplicas = 0
				p.State.Value = "pending-install"
			},
		},
		{
			file: "pod-security.txt", want: gate.Failed,
			spoil: func(p *snapshot.Preflight) {
				p.Namespace.Value.Labels = map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}
				p.PodTrial.Value = errors.New(`violates PodSecurity "baseline:latest"`)
				p.Releases.Value = map[string]snapshot.Release{"monitoring": {Name: "other", Namespace: "elsewhere"}}
				p.Issuer.Err = apierrors.NewInternalError(errors.New(`failed calling webhook "webhook.cert-manager.io": no endpoints available`))
			},
		},
		{
			file: "no-rights.txt", want: gate.Unknown,
			spoil: func(p *snapshot.Preflight) {
				p.Issuer.Err, p.State.Err, p.Classes.Err, p.PodTrial.Err = forbidden("issuers"), forbidden("secrets"), forbidden("storageclasses"), forbidden("pods")
			},
		},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			plan, err := preflight.NewPlan(snapshot.Release{Name: "pcp-injector", Namespace: "pcp-system"}, []byte(test.values), "values.yaml", "v1.0.0")
			if err != nil {
				t.Fatal(err)
			}
			p := ready(plan)
			if test.spoil != nil {
				test.spoil(p)
			}
			reports := preflight.Check(p, plan)
			if got := gate.Worst(reports...); got != test.want {
				t.Errorf("the result is %s, want %s", got, test.want)
			}
			requireGolden(t, test.file, reports, test.style)
		})
	}
}

var command = regexp.MustCompile(`^ +(kubectl|helm) `)

func requireGolden(t *testing.T, file string, reports []*gate.Report, style gate.Style) {
	t.Helper()
	var out bytes.Buffer
	if err := gate.WriteChecklist(&out, reports, style); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(out.String()) {
		if !style.Color && utf8.RuneCountInString(strings.TrimRight(line, "\n")) > gate.Width && !command.MatchString(line) {
			t.Errorf("the line is wider than %d columns: %s", gate.Width, line)
		}
	}
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), out.String()); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

func TestNewPlanRefuses(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]string{
		"config: {container: {imgae: a}}": `values.yaml: config:1: container.imgae: unknown key: did you mean "image"?`,
		"config: [":                       "values.yaml: ",
	} {
		if _, err := preflight.NewPlan(snapshot.Release{}, []byte(values), "values.yaml", "v1.0.0"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", values, err, want)
		}
	}
}
