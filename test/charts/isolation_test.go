package charts_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// own is the chart's NetworkPolicy.
const own = "networkpolicy/node-monitor-pcp"

// TestIsolation: an editor of the target's namespace does not open PCP's ports, neither by the chart's NetworkPolicy nor by another one,
// since they add up. All others are the editor's to write.
func TestIsolation(t *testing.T) {
	t.Parallel()
	r, _ := started(t, "helm")
	const opens, kept = `spec.ingress: Forbidden: it opens TCP ports 44321 to 44323`, `"node-monitor-pcp" guards pmcd and pmproxy, which have no authentication, and user "alice" may not`
	r.requireAttempts(
		r.attempted("deletion", "delete", own).as("alice").isDenied(kept+` change or delete it: `+lacks("configure")),
		r.attempted("deletion", "delete", own).as("bob"),
		r.deletesAll("alice").isDenied(kept),
		r.attempted("change", "patch", own, "--type=merge", `--patch={"spec":{"podSelector":{"matchLabels":{"app":"other"}}}}`).as("alice").isDenied(kept),
		r.attempted("change", "patch", own, "--type=merge", `--patch={"spec":{"ingress":[{}]}}`).as("alice").isDenied(kept),
		r.attempted("change", "patch", own, "--type=merge", `--patch={"spec":{"ingress":[{}]}}`).as("bob"),
		r.attempted("owner", "patch", own, "--type=merge", `--patch={"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"b"}]}}`).
			as("alice").isDenied(kept),
		r.attempted("label", "label", own, "team=a").as("alice"),
	)
	for name, spec := range map[string]string{
		"everything":              "podSelector: {}, ingress: [{}]",
		"everything by all types": "podSelector: {}, ingress: [{}], policyTypes: [Ingress, Egress]",
		"pods with PCP":           `podSelector: {matchLabels: {pcp.io/injected: "true"}}, ingress: [{ports: [{port: 44321}]}]`,
		"pods with a label":       "podSelector: {matchLabels: {app: node-monitor}}, ingress: [{from: [{namespaceSelector: {}}]}]",
		"pods with another label": `podSelector: {matchExpressions: [{key: pcp.io/injected, operator: In, values: ["true", "false"]}]}, ingress: [{}]`,
		"the second of two rules": "podSelector: {}, ingress: [{ports: [{port: 8080}]}, {ports: [{port: 8080}, {port: 44322, protocol: TCP}]}]",
		"a range":                 "podSelector: {}, ingress: [{ports: [{port: 1024, endPort: 65535}]}]",
		"all TCP ports":           "podSelector: {}, ingress: [{ports: [{protocol: TCP}]}]",
		"a port by its name":      "podSelector: {}, ingress: [{ports: [{port: pmproxy}]}]",
		"pmproxy's port for TLS":  "podSelector: {}, ingress: [{ports: [{port: 44323}]}]",
	} {
		r.requireAttempts(r.isolates(name, spec).as("alice").isDenied(opens), r.isolates(name, spec).as("bob"))
	}
	for name, spec := range map[string]string{
		"nothing":                 "podSelector: {}, policyTypes: [Ingress, Egress]",
		"another port":            "podSelector: {}, ingress: [{ports: [{port: 8080}, {port: http}]}]",
		"ports below and above":   "podSelector: {}, ingress: [{ports: [{port: 1, endPort: 44320}, {port: 44324, endPort: 65535}]}]",
		"another protocol":        "podSelector: {}, ingress: [{ports: [{protocol: UDP}, {protocol: SCTP, port: 44321}]}]",
		"the other direction":     "podSelector: {}, egress: [{}], policyTypes: [Egress]",
		"pods without PCP":        "podSelector: {matchExpressions: [{key: pcp.io/injected, operator: DoesNotExist}]}, ingress: [{}]",
		"pods without the value":  `podSelector: {matchExpressions: [{key: pcp.io/injected, operator: NotIn, values: ["true"]}]}, ingress: [{}]`,
		"pods with another value": `podSelector: {matchLabels: {pcp.io/injected: "false"}}, ingress: [{}]`,
	} {
		r.requireAttempts(r.isolates(name, spec).as("alice"))
	}
	r.widen()
	r.requireCollected(own)
}

// isolates is an attempt to create a NetworkPolicy.
func (r *release) isolates(name, spec string) attempt {
	input := "{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: editors}, spec: {" + spec + "}}"
	return attempt{name: "a NetworkPolicy for " + name, input: input, arguments: []string{"create", "--namespace", r.target, "-f", "-"}}
}

// deletesAll is what the namespace's end does, and anybody may try.
func (r *release) deletesAll(user string) attempt {
	r.t.Helper()
	policies := r.clientOf(user).NetworkingV1().NetworkPolicies(r.target)
	return attempt{name: user + " deletes all", call: func(ctx context.Context) error {
		return policies.DeleteCollection(ctx, metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}}, metav1.ListOptions{})
	}}
}

// widen changes a NetworkPolicy that was harmless.
func (r *release) widen() {
	r.t.Helper()
	harmless := r.isolates("", "podSelector: {}, ingress: [{ports: [{port: 8080}]}]")
	kubectl(r.t, harmless.input, append(harmless.arguments, "--as", "alice")...).must(r.t, "create")
	r.requireAttempts(
		r.attempted("widening", "patch", "networkpolicy/editors", "--type=merge", `--patch={"spec":{"ingress":[{}]}}`).as("alice").isDenied("spec.ingress: Forbidden"),
		r.attempted("closing", "patch", "networkpolicy/editors", "--type=merge", `--patch={"spec":{"ingress":[]}}`).as("alice"),
		r.attempted("deletion of the editor's own", "delete", "networkpolicy/editors").as("alice"),
	)
}

// requireCollected fails if the garbage collector cannot delete the object together with what the administrator has made its owner.
func (r *release) requireCollected(object string) {
	r.t.Helper()
	mustKubectl(r.t, "", "create", "configmap", "owner", "--namespace", r.target)
	owner, err := plane.Client().CoreV1().ConfigMaps(r.target).Get(r.t.Context(), "owner", metav1.GetOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	patch := fmt.Sprintf(`--patch={"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"owner","uid":%q}]}}`, owner.UID)
	mustKubectl(r.t, "", "patch", object, "--namespace", r.target, "--type=merge", patch)
	mustKubectl(r.t, "", "delete", "configmap", "owner", "--namespace", r.target)
	r.eventually("the end of what was owned", func(context.Context) error {
		if left := mustKubectl(r.t, "", "get", object, "--ignore-not-found", "--output", "name", "--namespace", r.target); left != "" {
			return errors.New("it is still there")
		}
		return nil
	})
}
