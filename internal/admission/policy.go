package admission

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// Policies are the ValidatingAdmissionPolicies of a cluster, with their bindings.
type Policies struct {
	Policies []admissionregistrationv1.ValidatingAdmissionPolicy
	Bindings []admissionregistrationv1.ValidatingAdmissionPolicyBinding
}

// Denial is a policy that denies a request.
type Denial struct {
	Policy string
	// Message that the policy gives.
	Message string
}

// Denials returns all denials of a request. The error says which policies could not be evaluated, and why.
func (r *Request) Denials(ctx context.Context, all *Policies) ([]Denial, error) {
	var denials []Denial
	var problems []error
	for n := range all.Policies {
		policy := &all.Policies[n]
		if !all.denies(policy, r) {
			continue
		}
		messages, err := r.evaluatePolicy(ctx, policy)
		if err != nil && !ignoresErrors(policy) {
			problems = append(problems, fmt.Errorf("policy %s: %w", policy.Name, err))
		}
		for _, message := range messages {
			denials = append(denials, Denial{policy.Name, message})
		}
	}
	return denials, errors.Join(problems...)
}

func ignoresErrors(policy *admissionregistrationv1.ValidatingAdmissionPolicy) bool {
	return policy.Spec.FailurePolicy != nil && *policy.Spec.FailurePolicy == admissionregistrationv1.Ignore
}

// denies reports whether the policy covers the request, through a binding that denies.
func (p *Policies) denies(policy *admissionregistrationv1.ValidatingAdmissionPolicy, r *Request) bool {
	return covers(policy.Spec.MatchConstraints, r) && slices.ContainsFunc(p.Bindings, func(binding admissionregistrationv1.ValidatingAdmissionPolicyBinding) bool {
		return binding.Spec.PolicyName == policy.Name &&
			slices.Contains(binding.Spec.ValidationActions, admissionregistrationv1.Deny) && covers(binding.Spec.MatchResources, r)
	})
}

// covers evaluates match constraints. The API server validated their selectors when they were created.
func covers(match *admissionregistrationv1.MatchResources, r *Request) bool {
	if match == nil {
		return true
	}
	attributes := r.attributes().Attributes
	namespace, namespaceErr := selects(match.NamespaceSelector, r.Namespace.Labels)
	object, objectErr := selects(match.ObjectSelector, r.Object.GetLabels())
	if namespaceErr != nil || objectErr != nil || !namespace || !object || matchesNamed(match.ExcludeResourceRules, attributes) {
		return false
	}
	return len(match.ResourceRules) == 0 || matchesNamed(match.ResourceRules, attributes)
}

func matchesNamed(all []admissionregistrationv1.NamedRuleWithOperations, attributes admission.Attributes) bool {
	return slices.ContainsFunc(all, func(rule admissionregistrationv1.NamedRuleWithOperations) bool {
		named := len(rule.ResourceNames) == 0 || slices.Contains(rule.ResourceNames, attributes.GetName())
		return named && matchesRules([]admissionregistrationv1.RuleWithOperations{rule.RuleWithOperations}, attributes)
	})
}

// evaluatePolicy returns the messages of the validations that are false. It is compiled as in
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/staging/src/k8s.io/apiserver/pkg/admission/plugin/policy/validating/plugin.go (compilePolicy).
func (r *Request) evaluatePolicy(ctx context.Context, policy *admissionregistrationv1.ValidatingAdmissionPolicy) ([]string, error) {
	if policy.Spec.ParamKind != nil {
		return nil, errors.New("it has parameters, which are not read")
	}
	compiler, err := plugincel.NewCompositedCompiler(base())
	if err != nil {
		return nil, fmt.Errorf("failed to make a compiler: %w", err)
	}
	compiler.CompileAndStoreVariables(variables(policy.Spec.Variables), withAuthorizer, environment.StoredExpressions)
	if len(policy.Spec.MatchConditions) > 0 {
		conditions := policy.Spec.MatchConditions
		excluding, err := r.evaluateConditions(ctx, compileConditions(compiler, conditions), conditions)
		if excluding != nil || err != nil {
			return nil, err
		}
	}
	return r.validate(ctx, compiler, policy.Spec.Validations)
}

func variables(all []admissionregistrationv1.Variable) []plugincel.NamedExpressionAccessor {
	accessors := make([]plugincel.NamedExpressionAccessor, len(all))
	for n, variable := range all {
		accessors[n] = &expression{variable.Name, variable.Expression, []*cel.Type{cel.AnyType, cel.DynType}}
	}
	return accessors
}

func (r *Request) validate(ctx context.Context, compiler *plugincel.CompositedCompiler, validations []admissionregistrationv1.Validation) ([]string, error) {
	checks, messages := make([]plugincel.ExpressionAccessor, len(validations)), make([]plugincel.ExpressionAccessor, len(validations))
	for n := range validations {
		checks[n] = &expression{text: validations[n].Expression, results: []*cel.Type{cel.BoolType}}
		if validations[n].MessageExpression != "" {
			messages[n] = &expression{text: validations[n].MessageExpression, results: []*cel.Type{cel.StringType}}
		}
	}
	results, err := r.evaluate(ctx, compiler, checks, withAuthorizer)
	if err != nil {
		return nil, err
	}
	texts, err := r.evaluate(ctx, compiler, messages, plugincel.OptionalVariableDeclarations{})
	if err != nil {
		return nil, err
	}
	var denied []string
	var problems []error
	for n := range results {
		switch {
		case results[n].Error != nil:
			problems = append(problems, results[n].Error)
		case results[n].EvalResult != types.True:
			denied = append(denied, messageOf(&validations[n], &texts[n]))
		}
	}
	return denied, errors.Join(problems...)
}

func (r *Request) evaluate(
	ctx context.Context, compiler *plugincel.CompositedCompiler, expressions []plugincel.ExpressionAccessor, declared plugincel.OptionalVariableDeclarations,
) ([]plugincel.EvaluationResult, error) {
	attributes := r.attributes()
	request := plugincel.CreateAdmissionRequest(attributes.Attributes, metav1.GroupVersionResource(r.Resource), metav1.GroupVersionKind(attributes.VersionedKind))
	var bound plugincel.OptionalVariableBindings
	if declared.HasAuthorizer {
		bound.Authorizer = r.Rights
	}
	results, _, err := compiler.CompileCondition(expressions, declared, environment.StoredExpressions).
		ForInput(ctx, attributes, request, bound, plugincel.CreateNamespaceObject(r.Namespace), celconfig.RuntimeCELCostBudget)
	if err != nil {
		return nil, fmt.Errorf("failed to evaluate it: %w", err)
	}
	return results, nil
}

// messageOf is the message that the API server would show.
func messageOf(validation *admissionregistrationv1.Validation, text *plugincel.EvaluationResult) string {
	if text.Error == nil && text.EvalResult != nil {
		if message, ok := text.EvalResult.Value().(string); ok && strings.TrimSpace(message) != "" {
			return strings.TrimSpace(message)
		}
	}
	if validation.Message != "" {
		return strings.TrimSpace(validation.Message)
	}
	return "failed expression: " + strings.TrimSpace(validation.Expression)
}
