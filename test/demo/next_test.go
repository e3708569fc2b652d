package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestNextSteps: what the demo ends with exists.
func TestNextSteps(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	steps := 0
	for line := range strings.Lines(next) {
		step, _, found := strings.Cut(strings.TrimSpace(line), "   ")
		if !found {
			continue
		}
		steps++
		switch target, isTarget := strings.CutPrefix(step, "make "); {
		case isTarget:
			if !regexp.MustCompile(`(?m)^` + target + `:`).Match(makefile) {
				t.Errorf("the Makefile has no target %s", target)
			}
		case strings.HasPrefix(step, "bin/"):
			// Built by make demo; its commands are tested where they are.
			if _, err := os.Stat(filepath.Join(root, "cmd", "kubectl-pcp", "inject.go")); err != nil {
				t.Error(err)
			}
		default:
			requireSection(t, filepath.Join(root, step))
		}
	}
	if steps < 5 {
		t.Errorf("only %d steps were found", steps)
	}
}

// requireSection checks that the file is there, and has the heading that a # names, if any.
func requireSection(t *testing.T, link string) {
	t.Helper()
	path, section, _ := strings.Cut(link, "#")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	heading := regexp.MustCompile(`(?im)^#+ ` + strings.ReplaceAll(section, "-", " ") + `$`)
	if section != "" && !heading.Match(text) {
		t.Errorf("%s has no section %s", path, section)
	}
}
