package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestUpToDate fails if go generate was forgotten.
func TestUpToDate(t *testing.T) {
	t.Parallel()
	files, err := generate("../../pkg/config", "../../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s is out of date: run go generate ./...", name)
		}
	}
}

// TestEverythingIsDocumented: nobody can use a key without a comment.
func TestEverythingIsDocumented(t *testing.T) {
	t.Parallel()
	comments, err := readComments("../../pkg/config")
	if err != nil {
		t.Fatal(err)
	}
	checkDocumented(t, comments.model(), "")
}

func checkDocumented(t *testing.T, n *node, path string) {
	t.Helper()
	for _, k := range n.keys {
		at := strings.TrimPrefix(path+"."+k.name, ".")
		if k.doc == "" {
			t.Errorf("%s has no comment", at)
		}
		checkDocumented(t, k.node, at)
	}
	if n.element != nil {
		checkDocumented(t, n.element, path+"[]")
	}
}

func TestMissingSources(t *testing.T) {
	t.Parallel()
	if _, err := generate(t.TempDir(), "page.md"); err == nil {
		t.Error("accepted a folder without sources")
	}
}
