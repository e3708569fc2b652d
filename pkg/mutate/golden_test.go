package mutate_test

import (
	"bytes"
	jsonv1 "encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

var update = flag.Bool("update", false, "write the results of the golden tests into testdata")

const testVersion = "v0.0.0-test"

// golden is one file of testdata. The comment describes the case. config and request may be absent.
type golden struct {
	file    string
	archive *txtar.Archive
}

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			(&golden{file, archive}).run(t)
		})
	}
}

func (g *golden) run(t *testing.T) {
	t.Helper()
	injector := newInjector(t, g.section("config"))
	pod := toJSON(t, g.section("pod"))
	decision := decide(t, injector, pod, g.section("request"))
	patched := apply(t, pod, decision.Patch)
	results := map[string]string{"decision": describe(&decision), "patched": ""}
	if len(decision.Patch) > 0 {
		results["patched"] = strings.ReplaceAll(toYAML(t, patched), injector.ConfigHash(), "CONFIG-HASH")
	}
	results["decision"] = strings.ReplaceAll(results["decision"], injector.ConfigHash(), "CONFIG-HASH")
	for _, name := range []string{"decision", "patched"} {
		g.compare(t, name, results[name])
	}
	if *update {
		if err := os.WriteFile(g.file, txtar.Format(g.archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	checkLaws(t, injector, pod, patched, &decision, g.section("request"))
}

// checkLaws checks every decision: a second run changes nothing, and Uninject restores the pod.
func checkLaws(t *testing.T, injector *mutate.Injector, pod, patched []byte, decision *mutate.Decision, request string) {
	t.Helper()
	if !decision.Reason.Allowed() {
		if len(decision.Patch) > 0 || len(decision.Problems) == 0 {
			t.Errorf("a rejection has problems and no patch, got %d problems and %d operations", len(decision.Problems), len(decision.Patch))
		}
		return
	}
	if again := decide(t, injector, patched, request); len(again.Patch) > 0 {
		t.Errorf("a second injection changes the pod: %v", again.Patch)
	}
	for _, warning := range decision.Warnings {
		if len(warning.String()) > 256 {
			t.Errorf("warning of %d characters: %s", len(warning.String()), warning)
		}
	}
	if decision.Reason != mutate.ReasonInjected {
		return
	}
	undo, err := mutate.Uninject(view(t, patched))
	if err != nil {
		t.Fatal(err)
	}
	restored := apply(t, patched, undo)
	if diff := cmp.Diff(normalized(decode(t, pod)), normalized(decode(t, restored))); diff != "" {
		t.Errorf("uninject does not restore the pod (-want +got):\n%s", diff)
	}
}

func (g *golden) section(name string) string {
	for _, file := range g.archive.Files {
		if file.Name == name {
			return string(file.Data)
		}
	}
	return ""
}

func (g *golden) compare(t *testing.T, name, got string) {
	t.Helper()
	if !*update {
		if diff := cmp.Diff(g.section(name), got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		return
	}
	for n := range g.archive.Files {
		if g.archive.Files[n].Name == name {
			g.archive.Files[n].Data = []byte(got)
			return
		}
	}
	g.archive.Files = append(g.archive.Files, txtar.File{Name: name, Data: []byte(got)})
}

func describe(d *mutate.Decision) string {
	var text strings.Builder
	fmt.Fprintf(&text, "reason: %s\nallowed: %t\n", d.Reason, d.Reason.Allowed())
	if d.Message != "" {
		fmt.Fprintf(&text, "message: %s\n", d.Message)
	}
	for _, problem := range d.Problems {
		fmt.Fprintf(&text, "problem: %s\n", problem)
	}
	for _, warning := range d.Warnings {
		fmt.Fprintf(&text, "warning: %s\n", warning)
	}
	for _, op := range d.Patch {
		fmt.Fprintf(&text, "patch: %s %s\n", op.Operation, op.Path)
	}
	return text.String()
}

func newInjector(tb testing.TB, text string) *mutate.Injector {
	tb.Helper()
	cfg, err := config.Parse([]byte(text), "config")
	if err != nil {
		tb.Fatal(err)
	}
	injector, err := mutate.New(cfg, testVersion)
	if err != nil {
		tb.Fatal(err)
	}
	return injector
}

// decide takes the request's namespace and username from YAML. The defaults are those of the target.
func decide(t *testing.T, injector *mutate.Injector, pod []byte, request string) mutate.Decision {
	t.Helper()
	req := mutate.Request{Namespace: "monitoring", Username: "system:serviceaccount:kube-system:replicaset-controller", Pod: view(t, pod)}
	if err := yaml.UnmarshalStrict([]byte(request), &req); err != nil {
		t.Fatal(err)
	}
	return injector.Decide(req)
}

func view(t *testing.T, pod []byte) *mutate.Pod {
	t.Helper()
	var view, other mutate.Pod
	if err := kjson.UnmarshalCaseSensitivePreserveInts(pod, &view); err != nil {
		t.Fatal(err)
	}
	// The webhook decodes with encoding/json/v2, which must see what the API server's own decoder sees.
	if err := json.Unmarshal(pod, &other, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(view, other); diff != "" {
		t.Errorf("two decoders see two pods (-sigs.k8s.io/json +v2):\n%s", diff)
	}
	return &other
}

func apply(t *testing.T, pod []byte, operations any) []byte {
	t.Helper()
	raw, err := jsonv1.Marshal(operations)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(raw, []byte("null")) {
		return pod
	}
	patch, err := jsonpatch.DecodePatch(raw)
	if err != nil {
		t.Fatal(err)
	}
	patched, err := patch.Apply(pod)
	if err != nil {
		t.Fatalf("the patch does not apply: %v\n%s\n%s", err, raw, pod)
	}
	return patched
}

func toJSON(tb testing.TB, text string) []byte {
	tb.Helper()
	raw, err := yaml.YAMLToJSON([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return raw
}

func toYAML(t *testing.T, raw []byte) string {
	t.Helper()
	text, err := yaml.JSONToYAML(raw)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
