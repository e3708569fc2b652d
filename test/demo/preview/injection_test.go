package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// TestPreview shows the example: every line of its author is there, unmarked and in order, additions are marked, and each of them has a
// reason.
func TestPreview(t *testing.T) {
	t.Parallel()
	examples := filepath.Join("..", "..", "..", "examples")
	var out bytes.Buffer
	if err := run(t.Context(), []string{"-examples", examples, "-programs", ""}, &out); err != nil {
		t.Fatal(err)
	}
	shown, why, _ := strings.Cut(out.String(), "\nWhy (Injected, ")
	_, shown, _ = strings.Cut(shown, "\n\n")
	var author strings.Builder
	added := 0
	for line := range strings.Lines(shown) {
		if strings.HasPrefix(line, "+ ") {
			added++
		} else {
			author.WriteString(strings.TrimPrefix(line, "  "))
		}
	}
	manifest, err := os.ReadFile(filepath.Join(examples, "node-monitor.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if author.String() != string(manifest) {
		t.Errorf("the lines without a mark are not the manifest:\n%s", author.String())
	}
	if added < 50 || !strings.Contains(shown, "+         - name: pcp\n") {
		t.Errorf("%d lines are marked, the container pcp among them: %t:\n%s", added, strings.Contains(shown, "- name: pcp\n"), shown)
	}
	if !strings.Contains(why, "  pcp-pmlogger  ") || !strings.Contains(why, "Warnings:\n") {
		t.Errorf("it does not say why:\n%s", why)
	}
}

// TestPreviewIsThePlugins: it shows what kubectl-pcp writes.
func TestPreviewIsThePlugins(t *testing.T) {
	t.Parallel()
	plugin := filepath.Join(t.TempDir(), "kubectl-pcp")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-X main.version=v1.2.3", "-o", plugin, "github.com/performancecopilot/pcp-injector/cmd/kubectl-pcp")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("failed to build kubectl-pcp: %v\n%s", err, said)
	}
	examples := filepath.Join("..", "..", "..", "examples")
	configFile, file := filepath.Join(examples, "injector.yaml"), filepath.Join(examples, "node-monitor.yaml")
	want, err := exec.CommandContext(t.Context(), plugin, "inject", "--config", configFile, "-f", file).Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(configFile)
	if err != nil {
		t.Fatal(err)
	}
	injector, err := mutate.New(cfg, "v1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	got, _, err := inject(injector, file, text)
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(string(want), string(got)); difference != "" {
		t.Errorf("the plugin's manifest (-) and the preview's (+) differ:\n%s", difference)
	}
}

func TestPreviewOfWhatDoesNotAsk(t *testing.T) {
	t.Parallel()
	examples := t.TempDir()
	for name, text := range map[string]string{
		"injector.yaml":     "target: {name: app}",
		"node-monitor.yaml": "{apiVersion: v1, kind: Pod, metadata: {name: app}, spec: {containers: [{name: app}]}}",
	} {
		if err := os.WriteFile(filepath.Join(examples, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	err := run(t.Context(), []string{"-examples", examples, "-programs", ""}, t.Output())
	if err == nil || !strings.Contains(err.Error(), "NotRequested") {
		t.Errorf("got error %v, want that the pod does not ask", err)
	}
}
