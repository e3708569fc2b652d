package report

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// TestReasonsAreComplete: whatever the injector adds, the demo says why.
func TestReasonsAreComplete(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse([]byte("hostMonitoring: {enabled: true, hostNetwork: true}\npersistence: {fixOwnership: true}\n"), "config")
	if err != nil {
		t.Fatal(err)
	}
	injector, err := mutate.New(cfg, "test")
	if err != nil {
		t.Fatal(err)
	}
	pod := &mutate.Pod{Spec: mutate.Spec{Containers: []mutate.Container{{Name: "app"}}}}
	pod.Metadata.Annotations = map[string]string{mutate.AnnotationInject: "true"}
	decision := injector.Decide(mutate.Request{Namespace: cfg.Target.Namespace, Owner: &mutate.Owner{Kind: "Deployment", Name: cfg.Target.Name}, Pod: pod})
	last := decision.Patch[len(decision.Patch)-1]
	var status mutate.Status
	if err := json.Unmarshal([]byte(last.Value.(string)), &status); err != nil {
		t.Fatal(err)
	}
	added := status.Added
	names := slices.Concat(added.Containers, added.InitContainers, added.Volumes, added.Annotations, added.Labels, added.Fields)
	for _, name := range names {
		list := slices.Contains([]string{"/spec/volumes", "/spec/initContainers", "/metadata/labels"}, name)
		known := slices.ContainsFunc(reasons, func(r struct{ name, why string }) bool { return r.name == name })
		if !list && !known {
			t.Errorf("the demo does not say why %s is added", name)
		}
	}
	if len(names) < 12 {
		t.Errorf("only %d parts were added: %v", len(names), names)
	}
}

func TestAddedLines(t *testing.T) {
	t.Parallel()
	unified := "diff a b\n--- a\n+++ b\n@@ -1,2 +1,3 @@\n one\n+two\n three\n@@ -9,1 +10,2 @@\n-x\n+y\n+z\n"
	added := addedLines([]byte(unified))
	for number, want := range map[int]bool{1: false, 2: true, 3: false, 10: true, 11: true} {
		if added[number] != want {
			t.Errorf("line %d: %t, want %t in\n%s", number, added[number], want, strings.TrimSpace(unified))
		}
	}
}
