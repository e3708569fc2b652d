package check

import (
	"strings"
	"testing"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// TestAdmitted: whom NetworkPolicies let connect to PCP.
func TestAdmitted(t *testing.T) {
	t.Parallel()
	const ours = `{podSelector: {matchLabels: {pcp.io/injected: "true"}}, ingress: [{ports: [{protocol: TCP, port: 44321, endPort: 44323}], from: `
	for _, test := range []struct {
		name, want string
		specs      []string
	}{
		{"none", everyone, nil},
		{"of other pods", everyone, []string{`{podSelector: {matchLabels: {app: other}}}`}},
		{"about egress", everyone, []string{`{podSelector: {}, policyTypes: [Egress]}`}},
		{"that opens nothing", "nobody", []string{`{podSelector: {}, policyTypes: [Ingress]}`}},
		{"that opens other ports", "nobody", []string{`{podSelector: {}, ingress: [{ports: [{port: 8080}, {port: http}, {port: 1, endPort: 44320}, {port: 44322, protocol: UDP}]}]}`}},
		{"for everyone", everyone, []string{`{podSelector: {}, ingress: [{}]}`}},
		{"for everyone, by a range", everyone, []string{`{podSelector: {}, ingress: [{ports: [{port: 1024, endPort: 65535}]}]}`}},
		{"for everyone, by a name", everyone, []string{`{podSelector: {}, ingress: [{ports: [{port: pmproxy}]}]}`}},
		{"for everyone, on all ports of TCP", everyone, []string{`{podSelector: {}, ingress: [{ports: [{protocol: TCP}]}]}`}},
		{"for all namespaces, after a typo", everyPod, []string{ours + `[{namespaceSelector: {}}]}]}`}},
		{"for a namespace", "all pods in namespace prometheus", []string{ours + `[{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: prometheus}}}]}]}`}},
		{"for namespaces", "all pods in namespaces labeled team=a,tier in (a,b)", []string{
			ours + `[{namespaceSelector: {matchLabels: {team: a}, matchExpressions: [{key: tier, operator: In, values: [a, b]}]}}]}]}`,
		}},
		{"for pods beside it", "pods labeled app=reader in namespace monitoring", []string{ours + `[{podSelector: {matchLabels: {app: reader}}}]}]}`}},
		{"for all pods beside it", "all pods in namespace monitoring", []string{ours + `[{podSelector: {}}]}]}`}},
		{"for pods everywhere", "pods labeled app=reader in all namespaces", []string{ours + `[{podSelector: {matchLabels: {app: reader}}, namespaceSelector: {}}]}]}`}},
		{"for addresses", "addresses of 10.0.0.0/8 except 10.1.0.0/16, 10.2.0.0/16", []string{ours + `[{ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.2.0.0/16]}}]}]}`}},
		{"two, which add up", "addresses of 192.0.2.1/32; all pods in namespace monitoring", []string{
			ours + `[{podSelector: {}}]}]}`, ours + `[{ipBlock: {cidr: 192.0.2.1/32}}, {podSelector: {}}]}]}`,
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var policies []networkingv1.NetworkPolicy
			for _, spec := range test.specs {
				policy := networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "monitoring"}}
				if err := yaml.UnmarshalStrict([]byte(spec), &policy.Spec); err != nil {
					t.Fatal(err)
				}
				policies = append(policies, policy)
			}
			got := admitted(policies, map[string]string{mutate.LabelInjected: "true", "app": "node-monitor"})
			if words := inWords(got); words != test.want {
				t.Errorf("got %q, want %q", words, test.want)
			}
			if many := tooMany(got); many != (test.want == everyone || test.want == everyPod) {
				t.Errorf("too many: %t", many)
			}
		})
	}
}

// TestClients: check warns where PCP can be read by those whom nobody has listed.
func TestClients(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		change func(*inspection)
		result gate.Result
		says   string
	}{
		"no NetworkPolicy":   {func(*inspection) {}, gate.Warning, "read by: " + everyone},
		"no pod":             {func(i *inspection) { i.Live.Value.Pods = nil }, gate.Warning, everyone},
		"loopback":           {func(i *inspection) { i.Live.Value.Config.Container.Listen = config.ListenLoopback }, gate.Passed, "nobody"},
		"the node's network": {func(i *inspection) { i.Live.Value.Config.HostMonitoring.HostNetwork = true }, gate.Passed, "nobody"},
		"the node's addresses": {func(i *inspection) {
			i.Live.Value.Config.HostMonitoring.HostNetwork, i.Live.Value.Config.Container.Listen = true, config.ListenAllAddresses
		}, gate.Warning, everyone},
		"nothing seen":     {func(i *inspection) { i.Networks.Err = forbidden("no") }, gate.Unknown, "unknown"},
		"no configuration": {func(i *inspection) { i.Live.Value.Config = nil }, gate.Unknown, "the configuration is not known"},
	} {
		i := healthy(t)
		test.change(i)
		if found := i.clients(); found.Result != test.result || !strings.Contains(found.Evidence, test.says) {
			t.Errorf("%s: got %s: %s, want %s: %s", name, found.Result, found.Evidence, test.result, test.says)
		}
	}
}
