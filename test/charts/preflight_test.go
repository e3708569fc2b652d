package charts_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/preflight"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// before is the check before the installation of a release, with its values in a file.
type before struct {
	*plugin
	values string
}

func newBefore(t *testing.T, tool string) *before {
	t.Helper()
	b := &before{plugin: newPlugin(newRelease(t, tool))}
	class := b.namespace
	mustKubectl(t, fmt.Sprintf("{apiVersion: storage.k8s.io/v1, kind: StorageClass, metadata: {name: %s}, provisioner: example.com/none}", class), "apply", "-f", "-")
	t.Cleanup(func() {
		_ = kubectl(t, "", "delete", "storageclass", class)
	})
	b.values = filepath.Join(t.TempDir(), "values.yaml")
	text := fmt.Sprintf("config: {target: {namespace: %s}, persistence: {pmlogger: {storageClassName: %[2]s}, pmproxy: {storageClassName: %[2]s}}}\n", b.target, class)
	if err := os.WriteFile(b.values, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.flags = []string{"--values", b.values}
	return b
}

// gates are what the check finds, by name.
func (b *before) gates(arguments ...string) map[string]found {
	b.t.Helper()
	arguments = append([]string{"check", "--pre", "-o", "json", "--namespace", b.namespace, "--values", b.values}, arguments...)
	said := execute(b.t, "", plane.Environment(), pluginCommand, arguments...)
	var answer struct{ Reports []findings }
	if err := json.Unmarshal([]byte(said.stdout), &answer); err != nil {
		b.t.Fatalf("%v\n%s", err, said.all())
	}
	gates := map[string]found{}
	for _, report := range answer.Reports {
		for _, g := range report.Gates {
			gates[g.Name] = g
		}
	}
	return gates
}

// require waits until a gate has a result, and returns it.
func (b *before) require(name string, result gate.Result, says string, arguments ...string) found {
	b.t.Helper()
	var seen found
	b.eventually(name+" to be "+string(result), func(context.Context) error {
		if seen = b.gates(arguments...)[name]; seen.Result != result || !strings.Contains(seen.Evidence, b.expand(says)) {
			return fmt.Errorf("%s is %s: %s", name, seen.Result, seen.Evidence)
		}
		return nil
	})
	return seen
}

func (b *before) requireGreen(arguments ...string) {
	b.t.Helper()
	b.eventually("all gates to be passed", func(context.Context) error {
		var problems []error
		for name, g := range b.gates(arguments...) {
			if g.Result != gate.Passed {
				problems = append(problems, fmt.Errorf("%s is %s: %s", name, g.Result, g.Evidence))
			}
		}
		return errors.Join(problems...)
	})
}

// TestCheckBefore: each obstacle is found before the installation, and what the remedies say removes it. With the rights that the check
// wants, and no others, Helm installs the release and removes it.
func TestCheckBefore(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			b := newBefore(t, tool)
			b.requireGreen()
			b.obstacles()
			b.installAs("installer-of-" + b.namespace)
		})
	}
}

func (b *before) obstacles() {
	b.t.Helper()
	b.commands("label namespace TARGET pod-security.kubernetes.io/enforce=baseline")
	forbidden := b.require("pod-security", gate.Failed, "namespace TARGET enforces baseline:latest, which forbids the pod with PCP")
	b.follow(forbidden.Remedy)
	mustKubectl(b.t, b.expand(`
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicy, metadata: {name: NAMESPACE-others}, spec: {failurePolicy: Fail,
  matchConstraints: {namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: TARGET}}, resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]},
  validations: [{expression: "!object.spec.containers.exists(c, c.?securityContext.?privileged.orValue(false))", message: nobody is privileged here}]}}
---
{apiVersion: admissionregistration.k8s.io/v1, kind: ValidatingAdmissionPolicyBinding, metadata: {name: NAMESPACE-others}, spec: {policyName: NAMESPACE-others, validationActions: [Deny]}}
`), "apply", "-f", "-")
	b.require("policies", gate.Failed, "nobody is privileged here")
	b.commands("delete validatingadmissionpolicybinding,validatingadmissionpolicy NAMESPACE-others")
	b.commands("delete namespace TARGET --timeout 60s")
	missing := b.require("namespace", gate.Failed, "namespace TARGET does not exist")
	b.follow(missing.Remedy)
	b.requireGreen()
}

// installAs has a user install and remove the release with the rights that the check wants, and no others.
func (b *before) installAs(user string) {
	b.t.Helper()
	mustKubectl(b.t, "", "create", "clusterrolebinding", user+"-view", "--clusterrole=view", "--user="+user)
	b.t.Cleanup(func() {
		_ = kubectl(b.t, "", "delete", "clusterrolebinding,clusterrole", "--selector", "test="+b.namespace)
	})
	lacked := b.require("rights", gate.Failed, "you may not get and create and patch and delete", "--as", user)
	values, err := os.ReadFile(b.values)
	if err != nil {
		b.t.Fatal(err)
	}
	plan, err := preflight.NewPlan(snapshot.Release{Name: b.name, Namespace: b.namespace}, values, b.values, "v1.0.0")
	if err != nil {
		b.t.Fatal(err)
	}
	for n, right := range plan.Rights {
		if !strings.Contains(lacked.Evidence, right.Resource) {
			b.t.Errorf("the right to %s is not named: %s", right.String(), lacked.Evidence)
		}
		b.grant(fmt.Sprintf("%s-%d", user, n), user, &right)
	}
	b.require("rights", gate.Passed, "you may", "--as", user)
	as := []string{"--namespace", b.namespace, "--kube-as-user", user}
	b.must(append(append([]string{"install", b.name, injectorChart}, as...), b.flags...)...)
	b.require("releases", gate.Failed, "release pcp-injector in namespace NAMESPACE is installed already")
	b.must(append([]string{"uninstall", b.name}, as...)...)
}

// grant has a role of its own for each right, in its namespace or in the cluster.
func (b *before) grant(name, user string, right *snapshot.Right) {
	b.t.Helper()
	kind, scope := "ClusterRole", ""
	if right.Namespace != "" {
		kind, scope = "Role", ", namespace: "+right.Namespace
	}
	verbs := strings.Join(right.Verbs, ", ")
	mustKubectl(b.t, fmt.Sprintf(`
{apiVersion: rbac.authorization.k8s.io/v1, kind: %[1]s, metadata: {name: %[2]s%[3]s, labels: {test: %[4]s}}, rules: [{apiGroups: [%[5]q], resources: [%[6]s], verbs: [%[7]s]}]}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: %[1]sBinding, metadata: {name: %[2]s%[3]s, labels: {test: %[4]s}}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: %[1]s, name: %[2]s},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[8]s}]}
`, kind, name, scope, b.namespace, right.Group, right.Resource, verbs, user), "apply", "-f", "-")
}
