package admission

import (
	"context"
	"fmt"

	"github.com/google/cel-go/common/types"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
)

// Stage of the decision whether to call a webhook.
type Stage string

// The stages, in the API server's order. A condition's own stage comes last.
const (
	StageRules             Stage = "rules"
	StageNamespaceSelector Stage = "namespaceSelector"
	StageObjectSelector    Stage = "objectSelector"
	StageMatchConditions   Stage = "matchConditions"
)

// Miss is why a webhook is not called.
type Miss struct {
	Stage Stage
	// Condition that is false, at the stage of the match conditions. If Err is set, the condition could not be evaluated: the webhook's
	// failurePolicy then decides whether the API server rejects the request, or creates the object without a call.
	Condition *admissionregistrationv1.MatchCondition
	Err       error
}

// Misses returns the stages at which the webhook would not be called for the request; none if it would be. All stages are tried, because
// the first that excludes a request need not be the only one.
func (r *Request) Misses(ctx context.Context, webhook *admissionregistrationv1.MutatingWebhook) ([]Miss, error) {
	attributes := r.attributes()
	var misses []Miss
	if !matchesRules(webhook.Rules, attributes) {
		misses = append(misses, Miss{Stage: StageRules})
	}
	for _, selector := range []struct {
		stage    Stage
		selector *metav1.LabelSelector
		labels   map[string]string
	}{
		{StageNamespaceSelector, webhook.NamespaceSelector, r.Namespace.Labels},
		{StageObjectSelector, webhook.ObjectSelector, r.Object.GetLabels()},
	} {
		switch covered, err := selects(selector.selector, selector.labels); {
		case err != nil:
			return nil, err
		case !covered:
			misses = append(misses, Miss{Stage: selector.stage})
		}
	}
	conditions := webhook.MatchConditions
	condition, err := r.evaluateConditions(ctx, compileConditions(plugincel.NewConditionCompiler(base()), conditions), conditions)
	if condition != nil {
		misses = append(misses, Miss{StageMatchConditions, condition, err})
		err = nil
	}
	return misses, err
}

// evaluateConditions returns the first condition that is false. If there is none, it returns one that cannot be evaluated, with its error,
// as the API server does.
func (r *Request) evaluateConditions(
	ctx context.Context, evaluator plugincel.ConditionEvaluator, conditions []admissionregistrationv1.MatchCondition,
) (*admissionregistrationv1.MatchCondition, error) {
	attributes := r.attributes()
	request := plugincel.CreateAdmissionRequest(attributes.Attributes, metav1.GroupVersionResource(r.Resource), metav1.GroupVersionKind(attributes.VersionedKind))
	results, _, err := evaluator.ForInput(ctx, attributes, request, plugincel.OptionalVariableBindings{Authorizer: r.Rights}, nil,
		celconfig.RuntimeCELCostBudgetMatchConditions)
	if err != nil {
		return nil, fmt.Errorf("failed to evaluate the match conditions: %w", err)
	}
	var broken *admissionregistrationv1.MatchCondition
	for n := range results {
		switch {
		case results[n].EvalResult == types.False:
			return &conditions[n], nil
		case results[n].Error != nil && broken == nil:
			broken, err = &conditions[n], results[n].Error
		}
	}
	return broken, err
}
