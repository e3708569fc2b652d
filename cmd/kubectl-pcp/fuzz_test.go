package main

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
)

// FuzzInject: whatever the text, nothing panics, what did not ask is not touched, and uninject restores the original.
func FuzzInject(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.txtar"))
	if err != nil || len(files) == 0 {
		f.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			f.Fatal(err)
		}
		for _, section := range archive.Files {
			if section.Name == "stdin" {
				f.Add(string(section.Data))
				f.Add(strings.ReplaceAll(string(section.Data), "\n", "\r\n"))
			}
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		injected := execute(text, "inject", "-f", "-")
		if injected.code != exitDone {
			if injected.stdout != "" {
				t.Fatalf("exit code %d with output:\n%s", injected.code, injected.stdout)
			}
			return
		}
		if !strings.Contains(injected.stderr, ": injected: ") {
			if injected.stdout != text {
				t.Fatalf("nothing was injected, and yet %q became %q", text, injected.stdout)
			}
			return
		}
		twice := execute(injected.stdout, "inject", "-f", "-")
		if twice.code != exitDone || twice.stdout != injected.stdout {
			t.Fatalf("injecting twice: %s%s", twice.stderr, cmp.Diff(injected.stdout, twice.stdout))
		}
		if strings.Contains(text, "pcp.io/status") {
			return // uninject would remove more than inject added
		}
		restored := execute(injected.stdout, "uninject", "-f", "-")
		if diff := cmp.Diff(meaning(t, text), meaning(t, restored.stdout)); restored.code != exitDone || diff != "" {
			t.Fatalf("uninject does not restore: %s%s", restored.stderr, diff)
		}
	})
}

// meaning is the text as JSON.
func meaning(t *testing.T, text string) string {
	t.Helper()
	documents, err := manifest.Parse("text", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	data, err := manifest.Write(documents, manifest.JSON)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
