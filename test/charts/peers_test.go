package charts_test

import (
	"strings"
	"testing"
)

// TestMisspeltPeers: either Helm refuses a peer that the API server would have read as everybody, since it drops what it does not know. An empty
// selector, written as one, is the user's choice.
func TestMisspeltPeers(t *testing.T) {
	t.Parallel()
	for chart, lists := range map[string][]string{
		injectorChart: {"pcp.networkPolicy.from", "networkPolicy.webhookFrom", "networkPolicy.metricsFrom"},
		pcpChart:      {"networkPolicy.from"},
	} {
		for _, list := range lists {
			for _, tool := range []string{"helm", "helm3"} {
				t.Run(tool+"-"+list, func(t *testing.T) {
					t.Parallel()
					requirePeersRead(newHelm(t, tool), chart, list)
				})
			}
		}
	}
}

func requirePeersRead(h helm, chart, list string) {
	h.t.Helper()
	path := "/" + strings.ReplaceAll(list, ".", "/") + "/0"
	for peer, where := range map[string]string{
		`{"namespaceSelector":{"kubernetes.io/metadata.name":"prometheus"}}`: path + "/namespaceSelector",
		`{"namespaceSelector":{"matchLabel":{"team":"a"}}}`:                  path + "/namespaceSelector",
		`{"namespaceSelector":{"matchLabels":null}}`:                         path + "/namespaceSelector/matchLabels",
		`{"podSelector":{"matchExpressions":[{"key":"a","op":"Exists"}]}}`:   path + "/podSelector/matchExpressions/0",
		`{"podSelector":null}`:                      path + "/podSelector",
		`{"ipBlock":{"cidr":"10.0.0.0/8","not":1}}`: path + "/ipBlock",
	} {
		said := h.run("template", "release", chart, "--namespace", "pcp-system", "--set-json", list+"=["+peer+"]")
		if said.err == nil || !strings.Contains(said.stderr, "'"+where+"'") {
			h.t.Errorf("%s: error %v, want it refused at %s:\n%s", peer, said.err, where, said.stderr)
		}
	}
	const sound = `[{"namespaceSelector":{}},{"podSelector":{"matchExpressions":[{"key":"a","operator":"NotIn","values":["b"]}]}},{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}}]`
	h.must("template", "release", chart, "--namespace", "pcp-system", "--set-json", list+"="+sound)
}
