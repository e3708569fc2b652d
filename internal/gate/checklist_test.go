package gate_test

import (
	"bytes"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

// checks are some of each result, one of them with what anyone may write into an annotation.
func checks() []*gate.Report {
	injector := &gate.Report{Subject: "Injector: release pcp-injector in namespace pcp-system", Gates: []gate.Gate{
		{Name: "webhook", Result: gate.Passed, Evidence: "MutatingWebhookConfiguration pcp-injector.pcp-system"},
		{Name: "version", Result: gate.Warning, Evidence: "the plugin is v1.3.0, the webhook v1.2.0, which is older", Remedy: &gate.Remedy{
			Advice: "Have the administrator upgrade the webhook, or use the plugin of its version", Commands: []string{"helm upgrade pcp-injector CHART --namespace pcp-system --reset-then-reuse-values"},
		}},
		{Name: "issuer", Result: gate.Failed, Evidence: "Issuer pcp-injector-ca does not exist in namespace pcp-system", Remedy: &gate.Remedy{
			Advice: "Have the administrator restore it", Commands: []string{"helm get manifest pcp-injector --namespace pcp-system | kubectl apply --server-side --force-conflicts --field-manager helm -f -"},
		}},
		{Name: "certificate", Result: gate.Failed, Evidence: "Certificate pcp-injector-tls is not ready: DoesNotExist: Issuing certificate as Secret does not exist", Remedy: &gate.Remedy{Advice: "Fix the problem above first", Order: 9}},
	}}
	target := &gate.Report{Subject: "Target: Deployment node-monitor in namespace monitoring", Gates: []gate.Gate{
		{Name: "request", Result: gate.Failed, Evidence: hostile, Remedy: &gate.Remedy{Advice: "Ask for PCP on the pod template"}},
		{Name: "disruption-budget", Result: gate.Passed, Evidence: "PodDisruptionBudget pcp-injector covers the webhook's pods"},
	}}
	rights := &gate.Report{Subject: "Rights of alice", Gates: []gate.Gate{{
		Name: "right", Result: gate.Unknown, Evidence: "you may not get and list resourcequotas in namespace monitoring",
		Remedy: &gate.Remedy{Advice: "Have the administrator grant it, or run this command", Commands: []string{
			"kubectl --namespace monitoring create role pcp-check-resourcequotas-1a2b3c4d --verb=get,list --resource=resourcequotas",
			"kubectl --namespace monitoring create rolebinding pcp-check-resourcequotas-1a2b3c4d --role=pcp-check-resourcequotas-1a2b3c4d --user=alice",
		}},
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
