package admission_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/performancecopilot/pcp-injector/internal/admission"
)

// request creates a pod that asks for PCP, by alice, who may inject.
func request() *admission.Request {
	return &admission.Request{
		Object: &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Pod",
			"metadata": map[string]any{"name": "a", "namespace": "monitoring", "annotations": map[string]any{"pcp.io/inject": "true"}, "labels": map[string]any{"app": "a"}},
			"spec":     map[string]any{"containers": []any{map[string]any{"name": "app", "image": "app"}}},
		}},
		Resource:  schema.GroupVersionResource{Version: "v1", Resource: "pods"},
		Namespace: &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "monitoring", Labels: map[string]string{"pcp.io/injection": "enabled"}}},
		User:      &user.DefaultInfo{Name: "alice"},
		Rights: authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
			if a.GetVerb() == "inject" && a.GetUser().GetName() == "alice" {
				return authorizer.DecisionAllow, "", nil
			}
			return authorizer.DecisionNoOpinion, "", nil
		}),
	}
}

func created(resources ...string) admissionregistrationv1.RuleWithOperations {
	return admissionregistrationv1.RuleWithOperations{
		Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
		Rule:       admissionregistrationv1.Rule{APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: resources},
	}
}

func labeled(key, value string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{key: value}}
}

func condition(expressions ...string) []admissionregistrationv1.MatchCondition {
	conditions := make([]admissionregistrationv1.MatchCondition, len(expressions))
	for n, expression := range expressions {
		conditions[n] = admissionregistrationv1.MatchCondition{Name: strconv.Itoa(n), Expression: expression}
	}
	return conditions
}

// TestMisses: every stage that excludes the request is named, and a false condition rather than one that cannot be evaluated.
func TestMisses(t *testing.T) {
	t.Parallel()
	called := admissionregistrationv1.MutatingWebhook{
		Rules: []admissionregistrationv1.RuleWithOperations{created("pods")}, NamespaceSelector: labeled("pcp.io/injection", "enabled"), ObjectSelector: labeled("app", "a"),
		MatchConditions: condition("object.metadata.annotations['pcp.io/inject'] == 'true'", "request.userInfo.username == 'alice'", "authorizer.group('pcp.io').resource('injections').namespace('monitoring').check('inject').allowed()"),
	}
	for name, test := range map[string]struct {
		edit func(*admissionregistrationv1.MutatingWebhook)
		// want are the stages, with the condition's name.
		want []string
		err  string
	}{
		"called":      {func(*admissionregistrationv1.MutatingWebhook) {}, nil, ""},
		"rules":       {func(w *admissionregistrationv1.MutatingWebhook) { w.Rules[0] = created("services") }, []string{"rules"}, ""},
		"subresource": {func(w *admissionregistrationv1.MutatingWebhook) { w.Rules[0] = created("pods/status") }, []string{"rules"}, ""},
		"selectors": {func(w *admissionregistrationv1.MutatingWebhook) {
			w.NamespaceSelector, w.ObjectSelector = labeled("a", "b"), labeled("app", "b")
		}, []string{"namespaceSelector", "objectSelector"}, ""},
		"no selector": {func(w *admissionregistrationv1.MutatingWebhook) { w.NamespaceSelector, w.ObjectSelector = nil, nil }, nil, ""},
		"false":       {func(w *admissionregistrationv1.MutatingWebhook) { w.MatchConditions = condition("true", "false") }, []string{"matchConditions 1"}, ""},
		"broken": {func(w *admissionregistrationv1.MutatingWebhook) {
			w.MatchConditions = condition("true", "object.metadata.labels.team == 'a'")
		}, []string{"matchConditions 1"}, "no such key: team"},
		"both": {func(w *admissionregistrationv1.MutatingWebhook) {
			w.MatchConditions = condition("object.metadata.labels.team == 'a'", "false")
		}, []string{"matchConditions 1"}, ""},
		"no right": {func(w *admissionregistrationv1.MutatingWebhook) {
			w.MatchConditions = condition("authorizer.group('').resource('pods').check('delete').allowed()")
		}, []string{"matchConditions 0"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			webhook := called.DeepCopy()
			test.edit(webhook)
			misses, err := request().Misses(t.Context(), webhook)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			var problem string
			for _, miss := range misses {
				name := string(miss.Stage)
				if miss.Condition != nil {
					name += " " + miss.Condition.Name
				}
				if got = append(got, name); miss.Err != nil {
					problem = miss.Err.Error()
				}
			}
			if !slices.Equal(got, test.want) || (problem == "") != (test.err == "") || !strings.Contains(problem, test.err) {
				t.Errorf("got %q (error: %s), want %q and %q", got, problem, test.want, test.err)
			}
		})
	}
}

func TestBadSelector(t *testing.T) {
	t.Parallel()
	webhook := &admissionregistrationv1.MutatingWebhook{ObjectSelector: &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}}
	if _, err := request().Misses(t.Context(), webhook); err == nil || !strings.HasPrefix(err.Error(), "failed to read the selector ") {
		t.Errorf("the error is %v", err)
	}
}

// policy denies pods with two validations; a binding of its name makes it effective.
func policy() *admission.Policies {
	return &admission.Policies{
		Policies: []admissionregistrationv1.ValidatingAdmissionPolicy{{
			ObjectMeta: metav1.ObjectMeta{Name: "p"},
			Spec: admissionregistrationv1.ValidatingAdmissionPolicySpec{
				MatchConstraints: &admissionregistrationv1.MatchResources{ResourceRules: []admissionregistrationv1.NamedRuleWithOperations{{RuleWithOperations: created("pods")}}},
				Variables:        []admissionregistrationv1.Variable{{Name: "app", Expression: "object.metadata.labels.app"}},
				Validations: []admissionregistrationv1.Validation{
					{Expression: "variables.app != 'a'", Message: "plain", MessageExpression: "'app is ' + variables.app"},
					{Expression: "true"},
				},
			},
		}},
		Bindings: []admissionregistrationv1.ValidatingAdmissionPolicyBinding{{Spec: admissionregistrationv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: "p", ValidationActions: []admissionregistrationv1.ValidationAction{admissionregistrationv1.Deny},
		}}},
	}
}

func TestDenials(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		edit func(*admission.Policies)
		want []admission.Denial
		err  string
	}{
		"denied":  {func(*admission.Policies) {}, []admission.Denial{{Policy: "p", Message: "app is a"}}, ""},
		"message": {func(p *admission.Policies) { p.Policies[0].Spec.Validations[0].MessageExpression = "" }, []admission.Denial{{Policy: "p", Message: "plain"}}, ""},
		"no message": {func(p *admission.Policies) {
			p.Policies[0].Spec.Validations[0] = admissionregistrationv1.Validation{Expression: " false "}
		}, []admission.Denial{{Policy: "p", Message: "failed expression: false"}}, ""},
		"unbound": {func(p *admission.Policies) { p.Bindings = nil }, nil, ""},
		"warning": {func(p *admission.Policies) {
			p.Bindings[0].Spec.ValidationActions = []admissionregistrationv1.ValidationAction{admissionregistrationv1.Warn}
		}, nil, ""},
		"elsewhere": {func(p *admission.Policies) {
			p.Bindings[0].Spec.MatchResources = &admissionregistrationv1.MatchResources{NamespaceSelector: labeled("a", "b")}
		}, nil, ""},
		"another name": {func(p *admission.Policies) {
			p.Policies[0].Spec.MatchConstraints.ResourceRules[0].ResourceNames = []string{"b"}
		}, nil, ""},
		"excluded": {func(p *admission.Policies) {
			p.Policies[0].Spec.MatchConstraints.ExcludeResourceRules = p.Policies[0].Spec.MatchConstraints.ResourceRules
		}, nil, ""},
		"condition": {func(p *admission.Policies) { p.Policies[0].Spec.MatchConditions = condition("false") }, nil, ""},
		"right": {func(p *admission.Policies) {
			p.Policies[0].Spec.Validations[0].Expression = "authorizer.group('pcp.io').resource('injections').namespace('monitoring').check('inject').allowed()"
		}, nil, ""},
		"broken": {func(p *admission.Policies) {
			p.Policies[0].Spec.Validations[0].Expression = "object.metadata.labels.team == 'a'"
		}, nil, "policy p: "},
		"broken and ignored": {func(p *admission.Policies) {
			p.Policies[0].Spec.Validations[0].Expression = "object.metadata.labels.team == 'a'"
			p.Policies[0].Spec.FailurePolicy = new(admissionregistrationv1.Ignore)
		}, nil, ""},
		"parameters": {func(p *admission.Policies) { p.Policies[0].Spec.ParamKind = &admissionregistrationv1.ParamKind{} }, nil, "policy p: it has parameters, which are not read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := policy()
			test.edit(all)
			got, err := request().Denials(t.Context(), all)
			if !slices.Equal(got, test.want) || (err == nil) != (test.err == "") || err != nil && !strings.HasPrefix(err.Error(), test.err) {
				t.Errorf("got %v (error: %v), want %v and %q", got, err, test.want, test.err)
			}
		})
	}
}
