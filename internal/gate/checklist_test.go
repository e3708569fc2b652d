package gate_test

import (
	"bytes"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

// checks are some of each result, one of them with what anyone may write into an annotation.
func checks() []*gate.Report {
	release := []remedy.Value{remedy.ReleaseName.Is("pcp-injector"), remedy.InNamespace.Is("pcp-system")}
	injector := &gate.Report{Subject: "Injector: release pcp-injector in namespace pcp-system", Gates: []gate.Gate{
		{Name: "webhook", Result: gate.Passed, Evidence: "MutatingWebhookConfiguration pcp-injector.pcp-system"},
		{Name: "version", Result: gate.Warning, Evidence: "the plugin is v1.3.0, the webhook v1.2.0, which is older", Remedy: remedy.UpgradeWebhook.With(release...)},
		{Name: "issuer", Result: gate.Failed, Evidence: "Issuer pcp-injector-ca does not exist in namespace pcp-system", Remedy: remedy.Restore.With(release...)},
		{Name: "certificate", Result: gate.Failed, Evidence: "Certificate pcp-injector-tls is not ready: DoesNotExist: Issuing certificate as Secret does not exist", Remedy: remedy.FixAbove.With().NotBefore(9)},
	}}
	target := &gate.Report{Subject: "Target: Deployment node-monitor in namespace monitoring", Gates: []gate.Gate{
		{Name: "request", Result: gate.Failed, Evidence: hostile, Remedy: remedy.ChangePod.With()},
		{Name: "disruption-budget", Result: gate.Passed, Evidence: "PodDisruptionBudget pcp-injector covers the webhook's pods"},
	}}
	rights := &gate.Report{Subject: "Rights of alice", Gates: []gate.Gate{{
		Name: "right", Result: gate.Unknown, Evidence: "you may not get and list resourcequotas in namespace monitoring",
		Remedy: remedy.GrantInNamespace.With(remedy.InNamespace.Is("monitoring"), remedy.Role.Is("pcp-check-resourcequotas-1a2b3c4d"), remedy.Verbs.Is("get,list"),
			remedy.Resource.Is("resourcequotas"), remedy.User.Is("alice")),
	}}}
	return []*gate.Report{injector, target, rights}
}

func TestWriteChecklist(t *testing.T) {
	t.Parallel()
	green := []*gate.Report{{Subject: "Target", Gates: []gate.Gate{{Name: "namespace", Result: gate.Passed, Evidence: "namespace monitoring has opted in"}}}}
	for _, test := range []struct {
		file    string
		reports []*gate.Report
		style   gate.Style
	}{
		{"checklist.txt", checks(), gate.Style{}},
		{"checklist-color.txt", checks(), gate.Style{Color: true}},
		{"checklist-ascii.txt", checks(), gate.Style{ASCII: true}},
		{"checklist-green.txt", green, gate.Style{}},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := gate.WriteChecklist(&out, test.reports, test.style); err != nil {
				t.Fatal(err)
			}
			requireGolden(t, test.file, out.Bytes())
			requireNarrow(t, out.String(), test.style)
		})
	}
}
