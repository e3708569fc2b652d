package parity

import (
	"encoding/json"
	"slices"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// stranger is the container that every injected pod must have besides PCP's. The chart's pod has none.
const stranger = "stranger"

const strangersPod = `{"metadata":{"annotations":{"pcp.io/inject":"true"}},"spec":{"containers":[{"name":"` + stranger + `"}]}}`

// inject injects PCP into a minimal pod, and returns the pod without its own container.
func inject(t *testing.T, cfg *config.InjectorConfig) *corev1.PodTemplateSpec {
	t.Helper()
	injector, err := mutate.New(cfg, "v0.0.0-test")
	if err != nil {
		t.Fatal(err)
	}
	var pod mutate.Pod
	if err := json.Unmarshal([]byte(strangersPod), &pod); err != nil {
		t.Fatal(err)
	}
	owner := &mutate.Owner{Kind: string(cfg.Target.Kind), Name: cfg.Target.Name}
	decision := injector.Decide(mutate.Request{Namespace: cfg.Target.Namespace, Owner: owner, Pod: &pod})
	if decision.Reason != mutate.ReasonInjected {
		t.Fatalf("%s: %s", decision.Reason, decision.Explanation())
	}
	raw, err := json.Marshal(decision.Patch)
	if err != nil {
		t.Fatal(err)
	}
	patch, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		t.Fatal(err)
	}
	patched, err := patch.Apply([]byte(strangersPod))
	if err != nil {
		t.Fatal(err)
	}
	var template corev1.PodTemplateSpec
	if err := yaml.UnmarshalStrict(patched, &template); err != nil {
		t.Fatal(err)
	}
	template.Spec.Containers = slices.DeleteFunc(template.Spec.Containers, func(c corev1.Container) bool { return c.Name == stranger })
	return &template
}
