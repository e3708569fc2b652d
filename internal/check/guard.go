package check

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// always are the policies of every guard. Others depend on the target and on the chart's values.
var always = []string{"adoption", "claims", "exec", "files", "label", "live-claims", "live-files", "live-pod", "pod-binding", "unanswered", "volume"}

// warns are the policies that deny nothing, or not always.
var warns = []string{"warnings", "unanswered"}

// guard compares the release's ValidatingAdmissionPolicies with their bindings, because neither does anything without the other.
func (i *inspection) guard() gate.Gate {
	const name = "guard"
	for _, why := range []string{i.Policies.Unseen(), i.Bindings.Unseen()} {
		if why != "" {
			return unknown(name, "%s", why)
		}
	}
	prefix := fmt.Sprintf("%s.%s.", i.Injector.Webhook.Configuration.Name, i.Subject.Namespace)
	policies, bindings := map[string]*admissionregistrationv1.ValidatingAdmissionPolicy{}, map[string]*admissionregistrationv1.ValidatingAdmissionPolicyBinding{}
	for n := range i.Policies.Value {
		if short, own := strings.CutPrefix(i.Policies.Value[n].Name, prefix); own {
			policies[short] = &i.Policies.Value[n]
		}
	}
	for n := range i.Bindings.Value {
		if short, own := strings.CutPrefix(i.Bindings.Value[n].Name, prefix); own {
			bindings[short] = &i.Bindings.Value[n]
		}
	}
	if !slices.ContainsFunc(always, func(short string) bool { return policies[short] != nil || bindings[short] != nil }) {
		return warning(name, remedy.EnableGuard.With(i.ofRelease()...),
			"the guard is off: anyone who may change pods of namespace %s can become root on its nodes", i.Subject.Namespace)
	}
	return i.holes(prefix, policies, bindings)
}

// holes are policies and bindings that are missing or weakened.
func (i *inspection) holes(
	prefix string, policies map[string]*admissionregistrationv1.ValidatingAdmissionPolicy, bindings map[string]*admissionregistrationv1.ValidatingAdmissionPolicyBinding,
) gate.Gate {
	wanted := slices.Clone(always)
	for short := range policies {
		wanted = append(wanted, short)
	}
	for short := range bindings {
		wanted = append(wanted, short)
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	var problems, doomed []string
	for _, short := range wanted {
		policy, binding := policies[short], bindings[short]
		switch {
		case policy == nil:
			problems = append(problems, fmt.Sprintf("ValidatingAdmissionPolicy %s%s is missing", prefix, short))
		case binding == nil:
			problems = append(problems, fmt.Sprintf("ValidatingAdmissionPolicy %s is not bound", policy.Name))
		case weakened(short, policy, binding) != "":
			problems = append(problems, weakened(short, policy, binding))
			doomed = append(doomed, binding.Name)
		}
	}
	if len(problems) == 0 {
		return passed("guard", "all %d ValidatingAdmissionPolicies are there, and bound", len(wanted))
	}
	restore := remedy.Restore.With(i.ofRelease()...)
	if len(doomed) > 0 {
		restore = remedy.RestoreGuard.With(i.ofRelease(remedy.Names.Is(doomed...))...)
	}
	return failed("guard", restore, "%s", strings.Join(problems, "; "))
}

// weakened says how a binding does less than the chart's.
func weakened(short string, policy *admissionregistrationv1.ValidatingAdmissionPolicy, binding *admissionregistrationv1.ValidatingAdmissionPolicyBinding) string {
	denies := slices.Contains(binding.Spec.ValidationActions, admissionregistrationv1.Deny)
	switch {
	case binding.Spec.PolicyName != policy.Name:
		return fmt.Sprintf("ValidatingAdmissionPolicyBinding %s binds %s", binding.Name, binding.Spec.PolicyName)
	case !denies && !slices.Contains(warns, short):
		return fmt.Sprintf("ValidatingAdmissionPolicyBinding %s does not deny", binding.Name)
	case binding.Spec.MatchResources != nil, policy.Spec.ParamKind != nil && !ofAllPods(binding.Spec.ParamRef):
		return fmt.Sprintf("ValidatingAdmissionPolicyBinding %s was narrowed", binding.Name)
	}
	return ""
}

// ofAllPods: whether the parameters are all pods with PCP, as the chart binds them.
func ofAllPods(ref *admissionregistrationv1.ParamRef) bool {
	return ref != nil && ref.Selector != nil && len(ref.Selector.MatchExpressions) == 0 &&
		maps.Equal(ref.Selector.MatchLabels, map[string]string{mutate.LabelInjected: "true"})
}
