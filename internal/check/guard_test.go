package check

import (
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// TestNarrowedToPods: a policy about live pods that is bound to fewer of them does less than the chart's.
func TestNarrowedToPods(t *testing.T) {
	t.Parallel()
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "live-files"}}
	policy.Spec.ParamKind = &admissionregistrationv1.ParamKind{APIVersion: "v1", Kind: "Pod"}
	all := map[string]string{mutate.LabelInjected: "true"}
	for name, test := range map[string]struct {
		ref      *admissionregistrationv1.ParamRef
		narrowed bool
	}{
		"the chart's": {&admissionregistrationv1.ParamRef{Namespace: "monitoring", Selector: &metav1.LabelSelector{MatchLabels: all}}, false},
		"none":        {nil, true},
		"one pod":     {&admissionregistrationv1.ParamRef{Name: "node-monitor-0"}, true},
		"other pods":  {&admissionregistrationv1.ParamRef{Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "other"}}}, true},
		"fewer pods": {&admissionregistrationv1.ParamRef{Selector: &metav1.LabelSelector{
			MatchLabels: all, MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpExists}},
		}}, true},
	} {
		binding := &admissionregistrationv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "live-files"}}
		binding.Spec.PolicyName, binding.Spec.ParamRef = policy.Name, test.ref
		binding.Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny}
		if says := weakened("live-files", policy, binding); strings.Contains(says, "narrowed") != test.narrowed {
			t.Errorf("%s: %q, want it to be narrowed: %t", name, says, test.narrowed)
		}
	}
}
