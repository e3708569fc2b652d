// Package oldest_test tests charts/pcp-injector with the oldest Kubernetes that it supports.
package oldest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"k8s.io/apimachinery/pkg/util/version"
	celadmission "k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/cel/environment"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

const chart = "../../charts/pcp-injector"

var (
	kubeVersion     = regexp.MustCompile(`(?m)^kubeVersion: ">=(\d+\.\d+)\.0-0"$`)
	policyOrWebhook = regexp.MustCompile(`(?m)^kind: (ValidatingAdmissionPolicy|MutatingWebhookConfiguration)$`)
)

// TestExpressions: an API server of the oldest version compiles the CEL in the chart's webhook and policies. Kubernetes' CEL libraries know
// in which version each of its own functions came, but not those of cel-go itself.
func TestExpressions(t *testing.T) {
	t.Parallel()
	compile := compilerFor(t, false)
	// It came with Kubernetes 1.31.
	if problem := compile(boolean("newer", "!format.dns1123Label().validate('a').hasValue()")); problem == "" {
		t.Error("what is newer compiles too, so this test shows nothing")
	}
	helm, folder := helmAndChart(t)
	for name, arguments := range shapes(t, folder) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled := 0
			for _, document := range render(t, helm, append(arguments, folder)) {
				found := expressionsOf(t, document)
				compile := compilerFor(t, strings.Contains(document, "\n  paramKind:\n"))
				for _, e := range found {
					if problem := compile(e); problem != "" {
						t.Errorf("%s: %s: %s", e.name, e.text, problem)
					}
				}
				compiled += len(found)
			}
			if compiled < 30 {
				t.Errorf("only %d expressions were found", compiled)
			}
		})
	}
}

// expression is one of CEL, and what it may return.
type expression struct {
	name, text string
	variable   bool
	returns    []*cel.Type
}

func (e expression) GetName() string          { return e.name }
func (e expression) GetExpression() string    { return e.text }
func (e expression) ReturnTypes() []*cel.Type { return e.returns }

func boolean(name, text string) expression {
	return expression{name: name, text: text, returns: []*cel.Type{cel.BoolType}}
}

// compilerFor compiles the expressions of one object, which may use the variables before them, as the oldest API server does. It returns
// what is wrong with an expression. params says whether the object has any.
func compilerFor(t *testing.T, params bool) func(expression) string {
	t.Helper()
	metadata, err := os.ReadFile(filepath.Join(chart, "Chart.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	found := kubeVersion.FindSubmatch(metadata)
	if found == nil {
		t.Fatalf("%s has no kubeVersion like %s", chart, kubeVersion)
	}
	compiler, err := celadmission.NewCompositedCompiler(environment.MustBaseEnvSet(version.MustParseGeneric(string(found[1]))))
	if err != nil {
		t.Fatal(err)
	}
	options := celadmission.OptionalVariableDeclarations{HasAuthorizer: true, HasParams: params}
	return func(e expression) string {
		var result celadmission.CompilationResult
		if e.variable {
			result = compiler.CompileAndStoreVariable(e, options, environment.NewExpressions)
		} else {
			result = compiler.CompileCELExpression(e, options, environment.NewExpressions)
		}
		if result.Error == nil {
			return ""
		}
		return result.Error.Error()
	}
}

// helmAndChart are the path of Helm and a copy of the chart. go test does not see what Helm reads, and would repeat an old result.
func helmAndChart(t *testing.T) (helm, folder string) {
	t.Helper()
	tools, err := toolchain.Find(t.Context(), nil, "helm")
	if err != nil {
		t.Fatal(err)
	}
	folder = t.TempDir()
	if err := os.CopyFS(folder, os.DirFS(chart)); err != nil {
		t.Fatal(err)
	}
	return tools["helm"], folder
}

// shapes are arguments of Helm, for each kind of target and each values file of the chart's folder ci.
func shapes(t *testing.T, folder string) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	for _, kind := range []string{"Pod", "Deployment", "ReplicaSet", "ReplicationController", "StatefulSet", "DaemonSet", "Job", "CronJob"} {
		all[kind] = []string{"--set", "guard.requirePermission=true,config.target.kind=" + kind}
	}
	files, err := filepath.Glob(filepath.Join(folder, "ci", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("found no values files in %s/ci (error: %v)", chart, err)
	}
	for _, file := range files {
		all[filepath.Base(file)] = []string{"--values", file}
	}
	return all
}

func render(t *testing.T, helm string, arguments []string) []string {
	t.Helper()
	output, err := exec.CommandContext(t.Context(), helm, append([]string{"template", "pcp-injector", "--namespace", "pcp-system"}, arguments...)...).Output()
	if err != nil {
		t.Fatalf("helm template: %v", err)
	}
	return strings.Split(string(output), "\n---\n")
}

// expressionsOf are the expressions of a policy, its variables first, or of a webhook's configuration.
func expressionsOf(t *testing.T, document string) (found []expression) {
	t.Helper()
	var object struct {
		Kind     string                                                `json:"kind"`
		Spec     admissionregistrationv1.ValidatingAdmissionPolicySpec `json:"spec"`
		Webhooks []admissionregistrationv1.MutatingWebhook             `json:"webhooks"`
	}
	if !policyOrWebhook.MatchString(document) {
		return nil
	}
	if err := yaml.Unmarshal([]byte(document), &object); err != nil {
		t.Fatal(err)
	}
	for _, v := range object.Spec.Variables {
		found = append(found, expression{name: v.Name, text: v.Expression, variable: true, returns: []*cel.Type{cel.AnyType}})
	}
	conditions := object.Spec.MatchConditions
	for _, webhook := range object.Webhooks {
		conditions = append(conditions, webhook.MatchConditions...)
	}
	for _, c := range conditions {
		found = append(found, boolean(c.Name, c.Expression))
	}
	for _, v := range object.Spec.Validations {
		found = append(found, boolean("validation", v.Expression))
		if v.MessageExpression != "" {
			found = append(found, expression{name: "message", text: v.MessageExpression, returns: []*cel.Type{cel.StringType}})
		}
	}
	return found
}
