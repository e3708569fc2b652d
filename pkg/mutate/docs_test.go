package mutate_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDesignNamesItsProofs: each proof that docs/design.md names for a fact exists.
func TestDesignNamesItsProofs(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	text, err := os.ReadFile(filepath.Join(root, "docs", "design.md"))
	if err != nil {
		t.Fatal(err)
	}
	known := proofs(t, root)
	_, table, found := strings.Cut(string(text), "| fact | handled in | proof |")
	if !found {
		t.Fatal("docs/design.md has no table of facts")
	}
	named := regexp.MustCompile("`([^`]+)`")
	rows := 0
	for line := range strings.Lines(table) {
		columns := strings.Split(line, "|")
		if len(columns) != 5 || strings.HasPrefix(columns[1], "-") {
			continue
		}
		rows++
		for _, proof := range named.FindAllStringSubmatch(columns[3], -1) {
			if name := proof[1]; !known[name] && !strings.HasPrefix(name, "cmd/") && name != "runAsNonRoot" {
				t.Errorf("no test or golden %q proves: %s", name, columns[1])
			}
		}
	}
	if rows < 30 {
		t.Errorf("the table has only %d facts", rows)
	}
}

// proofs are the names of all tests and fuzz targets of the tree, and of the fixtures.
func proofs(t *testing.T, root string) map[string]bool {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	known := map[string]bool{}
	err := filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case strings.HasSuffix(path, ".txtar"):
			known[strings.TrimSuffix(filepath.Base(path), ".txtar")] = true
			known[filepath.Base(filepath.Dir(path))+"/"+filepath.Base(path)] = true
		case strings.HasSuffix(path, "_test.go"):
			source, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, match := range function.FindAllStringSubmatch(string(source), -1) {
				known[match[1]] = true
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return known
}
