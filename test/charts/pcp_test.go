package charts_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestLint: both charts are as either Helm likes them.
func TestLint(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		for _, chart := range []string{injectorChart, pcpChart} {
			t.Run(tool+"-"+filepath.Base(chart), func(t *testing.T) {
				t.Parallel()
				newHelm(t, tool).must("lint", "--strict", chart)
			})
		}
	}
}

// TestPCP: the chart of PCP alone, with the settings for monitoring the node.
func TestPCP(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			takeNodePorts(t)
			namespace, h := namespaceFor(t), newHelm(t, tool)
			createNamespace(t, namespace, map[string]string{"pod-security.kubernetes.io/enforce": "privileged"})
			in := []string{"--namespace", namespace, "--wait", "--timeout", "60s"}
			settings := []string{"--set", "hostMonitoring.enabled=true", "--set", "hostNetwork=true", "--set", "env.HOST_MOUNT=/host"}
			h.must(slices.Concat([]string{"install", "pcp", pcpChart}, in, settings)...)
			mounts := mustKubectl(t, "", "get", "pods", "--namespace", namespace, "--output", "jsonpath={.items[*].spec.containers[*].volumeMounts[*].mountPath}")
			if !strings.Contains(mounts, "/host") {
				t.Errorf("PCP's pod mounts %q, want the node's file system at /host", mounts)
			}
			h.must(slices.Concat([]string{"upgrade", "pcp", pcpChart}, in, settings, []string{"--set", "env.PCP_SERVICES=pmcd\\,pmlogger\\,pmproxy"})...)
			second := h.run(slices.Concat([]string{"upgrade", "pcp", pcpChart}, in, settings, []string{"--set", "replicaCount=2"})...)
			if second.err == nil || !strings.Contains(second.stderr, "replicaCount") {
				t.Errorf("two replicas: error %v\n%s", second.err, second.stderr)
			}
			h.must(slices.Concat([]string{"rollback", "pcp"}, in)...)
			h.must(slices.Concat([]string{"uninstall", "pcp"}, in)...)
			mustKubectl(t, "", "wait", "--for=delete", "pods", "--all", "--namespace", namespace, "--timeout=30s")
			left := mustKubectl(t, "", "get", "deployments,pods,services,networkpolicies,persistentvolumeclaims", "--namespace", namespace, "--output", "name")
			if strings.Count(left, "\n") != 2 || strings.Count(left, "persistentvolumeclaim/") != 2 {
				t.Errorf("left after uninstalling: %q, want the two claims", left)
			}
		})
	}
}
