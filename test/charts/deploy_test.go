package charts_test

import (
	"testing"
)

// TestDeployWithoutHelm follows the instructions in deploy/install.yaml.
func TestDeployWithoutHelm(t *testing.T) {
	t.Parallel()
	const installation = "../../deploy/install.yaml"
	r := &release{helm: newHelm(t, "helm"), name: "pcp-injector", namespace: "pcp-system", target: "monitoring"}
	createNamespace(t, r.target, map[string]string{"pcp.io/injection": "enabled", "pod-security.kubernetes.io/enforce": "privileged"})
	t.Cleanup(r.cleanUp)
	mustKubectl(t, "", "apply", "--validate=strict", "-f", installation)
	mustKubectl(t, "", "wait", "--for=condition=Available", "--namespace", r.namespace, "deployment/"+r.fullname(), "--timeout=60s")
	r.serve()
	r.awaitTrust()
	r.apply(nodeMonitor()).must(t)
	r.pod("node-monitor", injected)
	mustKubectl(t, "", "delete", "--wait=false", "-f", installation)
}
