// Package admission evaluates a cluster's admission configuration as the API server would: with the same library for CEL, on objects that
// were never sent to the API server.
package admission

import (
	"sync"

	"github.com/google/cel-go/cel"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	"k8s.io/apiserver/pkg/cel/environment"
)

// base is made once, because it takes longer than all the rest.
var base = sync.OnceValue(func() *environment.EnvSet {
	return environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion())
})

// expression is the text to compile, and the type that its result must have.
type expression struct {
	name, text string
	results    []*cel.Type
}

func (e *expression) GetName() string          { return e.name }
func (e *expression) GetExpression() string    { return e.text }
func (e *expression) ReturnTypes() []*cel.Type { return e.results }

// compileConditions compiles match conditions, each into its own result.
func compileConditions(compiler plugincel.ConditionCompiler, conditions []admissionregistrationv1.MatchCondition) plugincel.ConditionEvaluator {
	accessors := make([]plugincel.ExpressionAccessor, len(conditions))
	for n := range conditions {
		accessors[n] = (*matchconditions.MatchCondition)(&conditions[n])
	}
	return compiler.CompileCondition(accessors, withAuthorizer, environment.StoredExpressions)
}

var withAuthorizer = plugincel.OptionalVariableDeclarations{HasAuthorizer: true}
