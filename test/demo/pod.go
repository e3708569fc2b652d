package main

import (
	"encoding/json"
	"fmt"
	"io"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
	"github.com/performancecopilot/pcp-injector/test/demo/report"
)

// next is what to do after the demo. A test compares it with the repository.
const next = `
What next:

  bin/kubectl-pcp inject -f MANIFEST.yaml     your own manifest, offline: prints it with PCP in each pod that asks for it
  examples/injector.yaml                      the administrator's side; docs/configuration.md has every key
  docs/annotations.md                         the pod's side: how it asks, what it may set, what the answers mean
  README.md#install                           install it in your cluster
  make test                                   all tests, in the control plane that is ready now
  make e2e                                    real PCP on a real node of this machine (root on Debian)

`

// mark prints the injected pod with a + before each line that its author did not write.
func mark(out io.Writer, pod *corev1.Pod) error {
	pod.ManagedFields, pod.Status = nil, corev1.PodStatus{}
	raw, err := json.Marshal(pod)
	if err != nil {
		return err
	}
	original, err := withoutPCP(raw)
	if err != nil {
		return fmt.Errorf("failed to take PCP out of the pod again: %w", err)
	}
	before, err := yaml.JSONToYAML(original)
	if err != nil {
		return err
	}
	after, err := yaml.JSONToYAML(raw)
	if err != nil {
		return err
	}
	report.Marked(out, before, after)
	return nil
}

func withoutPCP(raw []byte) ([]byte, error) {
	var view mutate.Pod
	if err := json.Unmarshal(raw, &view); err != nil {
		return nil, err
	}
	operations, err := mutate.Uninject(&view)
	if err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(operations)
	if err != nil {
		return nil, err
	}
	patch, err := jsonpatch.DecodePatch(encoded)
	if err != nil {
		return nil, err
	}
	return patch.Apply(raw)
}
