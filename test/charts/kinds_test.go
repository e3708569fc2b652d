package charts_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// templateText is a pod template that asks for PCP, as flow-style YAML.
const templateText = `{metadata: {labels: {app: node-monitor}, annotations: {pcp.io/inject: "true"}}, spec: {restartPolicy: %s, containers: [{name: app, image: app}]}}`

// TestGuardOfOtherKinds: the policies' expressions differ from kind to kind, and one that cannot be evaluated would deny
// everything.
func TestGuardOfOtherKinds(t *testing.T) {
	t.Parallel()
	always, never := fmt.Sprintf(templateText, "Always"), fmt.Sprintf(templateText, "Never")
	const volumes = "config.persistence.pmlogger.type=HostPath,config.persistence.pmproxy.type=EmptyDir"
	cases := []struct {
		kind, object, values string
		attempts             map[string]string // what is written in place of EDIT, and the denial
	}{
		{"CronJob", `{apiVersion: batch/v1, kind: CronJob, metadata: {name: node-monitor}, spec: {schedule: "* * * * *", concurrencyPolicy: POLICY, jobTemplate: {spec: {EDIT template: ` + never + `}}}}`, volumes, map[string]string{
			"POLICY=Forbid":   "",
			"POLICY=Replace":  "spec.concurrencyPolicy: must be Forbid",
			"parallelism: 2,": "spec.jobTemplate.spec.parallelism: Invalid value: 2: must be 1",
		}},
		{"Job", `{apiVersion: batch/v1, kind: Job, metadata: {name: node-monitor}, spec: {EDIT template: ` + never + `}}`, volumes, map[string]string{
			"":                "",
			"parallelism: 3,": "spec.parallelism: Invalid value: 3: must be 1",
		}},
		{"DaemonSet", `{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: node-monitor}, spec: {EDIT selector: {matchLabels: {app: node-monitor}}, template: ` + always + `}}`, volumes, map[string]string{
			"": "",
			"updateStrategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}},": "spec.updateStrategy.rollingUpdate.maxSurge: Invalid value: 1: must be 0",
		}},
		{"StatefulSet", `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: node-monitor}, spec: {EDIT selector: {matchLabels: {app: node-monitor}}, template: ` + always + `}}`, volumes, map[string]string{
			"":             "",
			"replicas: 2,": "spec.replicas: Invalid value: 2: must be 1",
		}},
	}
	for _, c := range cases {
		t.Run(strings.ToLower(c.kind), func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=Target", "config.target.kind="+c.kind, c.values)
			r.install()
			for edit, denied := range c.attempts {
				policy, isPolicy := strings.CutPrefix(edit, "POLICY=")
				if isPolicy {
					edit = ""
				} else {
					policy = "Forbid"
				}
				object := strings.NewReplacer("EDIT ", edit+" ", "POLICY", policy).Replace(c.object)
				r.requireAttempts(attempt{name: c.kind + " " + edit + policy, input: object, arguments: []string{"create", "--namespace", r.target, "-f", "-"}, denied: denied})
			}
			if c.kind == "CronJob" {
				r.requireManualJobDenied(strings.NewReplacer("EDIT ", "", "POLICY", "Forbid", "* * * * *", "0 0 1 1 *").Replace(c.object))
				forged := `{apiVersion: batch/v1, kind: Job, metadata: {name: node-monitor-123}, spec: {template: ` + never + `}}`
				r.requireAttempts(attempt{name: "forged Job", input: forged, arguments: []string{"create", "--namespace", r.target, "-f", "-"}}.
					isDenied("jobs of CronJob node-monitor in namespace " + r.target))
				r.requireOneJob(never)
			}
		})
	}
}

// required is what a spec of the kind must have beside the pod template.
var required = map[config.TargetKind]map[string]any{
	config.KindDeployment:  {"selector": map[string]any{"matchLabels": map[string]any{"app": "any"}}},
	config.KindReplicaSet:  {"selector": map[string]any{"matchLabels": map[string]any{"app": "any"}}},
	config.KindStatefulSet: {"selector": map[string]any{"matchLabels": map[string]any{"app": "any"}}},
	config.KindDaemonSet:   {"selector": map[string]any{"matchLabels": map[string]any{"app": "any"}}},
	config.KindCronJob:     {"schedule": "* * * * *"},
}

// TestGuardOfEveryKind: the rules and expressions of the policies find the pod template of every kind in the table.
func TestGuardOfEveryKind(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=Target")
	r.install()
	for _, kind := range config.Kinds {
		policy := map[string]any{"batch": "Never"}[kind.Group]
		object := map[string]any{
			"metadata": map[string]any{"name": "any", "labels": map[string]any{"app": "any"}, "annotations": map[string]any{"pcp.io/injct": "true"}},
			"spec":     map[string]any{"restartPolicy": policy, "containers": []any{map[string]any{"name": "app", "image": "app"}}},
		}
		path := kind.TemplatePath()
		for _, key := range slices.Backward(path) {
			object = map[string]any{key: object}
		}
		if len(path) > 0 {
			maps.Copy(object["spec"].(map[string]any), required[kind.Kind])
			object["metadata"] = map[string]any{"name": "any"}
		}
		object["apiVersion"], object["kind"] = strings.TrimPrefix(kind.Group+"/v1", "/"), kind.Kind
		input, err := json.Marshal(object)
		if err != nil {
			t.Fatal(err)
		}
		r.requireAttempts(attempt{name: string(kind.Kind), input: string(input), arguments: []string{"create", "--namespace", r.target, "-f", "-"}}.
			isWarned(strings.Join(append(path, "metadata", "annotations"), ".") + ": pcp.io/injct is unknown: did you mean pcp.io/inject?"))
	}
}

// requireOneJob fails if a user may have a Job of the CronJob run a second pod.
func (r *release) requireOneJob(template string) {
	r.t.Helper()
	const name = "node-monitor-123"
	mustKubectl(r.t, `{apiVersion: batch/v1, kind: Job, metadata: {name: `+name+`}, spec: {template: `+template+`}}`,
		"create", "--namespace", r.target, "--as", "system:serviceaccount:kube-system:cronjob-controller", "-f", "-")
	patched := func(spec string) []string {
		return []string{"patch", "job", name, "--namespace", r.target, "--type=merge", "--patch", `{"spec":` + spec + `}`}
	}
	r.requireAttempts(
		attempt{name: "parallelism", arguments: patched(`{"parallelism":3}`)}.isDenied(`spec.parallelism: Forbidden: "`+name+`" belongs to CronJob node-monitor`),
		attempt{name: "suspend", arguments: patched(`{"suspend":true}`)}.isWarned("has no effect, since Job "+name),
	)
}

// requireManualJobDenied: a Job of the user's own would run beside the CronJob's, whose concurrencyPolicy does not count it. The schedule is what
// troubleshooting.md recommends.
func (r *release) requireManualJobDenied(cronJob string) {
	r.t.Helper()
	in := []string{"--namespace", r.target}
	mustKubectl(r.t, cronJob, append([]string{"create", "-f", "-"}, in...)...)
	r.requireAttempts(
		attempt{name: "manual Job", arguments: append([]string{"create", "job", "node-monitor-1", "--from=cronjob/node-monitor"}, in...)}.
			isDenied("jobs of CronJob node-monitor in namespace "+r.target),
		attempt{name: "schedule", arguments: append([]string{"patch", "cronjob", "node-monitor", "--type=merge", `--patch={"spec":{"schedule":"* * * * *"}}`}, in...)},
	)
}

// TestGuardOfWhatWasThereBefore: a workload that violates the rules since before the guard can still be labeled and deleted.
func TestGuardOfWhatWasThereBefore(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=Target")
	r.apply(nodeMonitor(func(d *appsv1.Deployment) {
		d.Spec.Replicas = new(int32(2))
		d.Spec.Template.Annotations["pcp.io/inject"] = "false"
	})).must(t)
	r.apply(nodeMonitor(func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(2)) })).must(t)
	r.install()
	in := []string{"--namespace", r.target}
	binding := func(field, key string) attempt {
		object := fmt.Sprintf(`{"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "any", %q: {%q: "true"}}, "target": {"kind": "Node", "name": "node"}}`, field, key)
		return attempt{name: field + " of a Binding", input: object, arguments: append([]string{"create", "--raw", "/api/v1/namespaces/" + r.target + "/bindings?dryRun=All", "-f", "-"}, in...)}.
			isDenied("metadata." + field + ": pcp.io/* and openmetrics.pcp.io/* of a Binding would change the pod's")
	}
	r.requireAttempts(
		attempt{name: "scale", arguments: append([]string{"scale", "deployment/node-monitor", "--replicas=3"}, in...)}.isDenied("spec.replicas: Invalid value: 3"),
		attempt{name: "label", arguments: append([]string{"label", "deployment/node-monitor", "team=a"}, in...)},
		attempt{name: "finalizer", arguments: append([]string{"patch", "deployment/node-monitor", "--type=merge", `--patch={"metadata":{"finalizers":["example.com/x"]}}`}, in...)},
		attempt{name: "image", arguments: append([]string{"set", "image", "deployment/node-monitor", "app=other"}, in...)}.isDenied("spec.replicas: Invalid value: 2"),
		binding("annotations", "pcp.io/pmlogconf-openmetrics"),
		binding("labels", "pcp.io/injected"),
	)
}
