package docs_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestWarningsAreDocumented: docs/annotations.md explains the code of each warning.
func TestWarningsAreDocumented(t *testing.T) {
	t.Parallel()
	_, table, found := strings.Cut(read(t, filepath.Join(root, "docs", "annotations.md")), "\n## Warnings\n")
	if !found {
		t.Fatal("docs/annotations.md has no section of warnings")
	}
	sources, err := filepath.Glob(filepath.Join(root, "pkg", "mutate", "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	constant := regexp.MustCompile(`(?m)^\s+warn\w+\s*= "(\w+)"`)
	codes := 0
	for _, source := range sources {
		for _, match := range constant.FindAllStringSubmatch(read(t, source), -1) {
			codes++
			if !strings.Contains(table, "`"+match[1]+"`") {
				t.Errorf("docs/annotations.md does not explain the warning %s", match[1])
			}
		}
	}
	if codes < 10 {
		t.Errorf("only %d warnings were found in pkg/mutate", codes)
	}
}
