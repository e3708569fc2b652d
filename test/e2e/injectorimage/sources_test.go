package injectorimage

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestSources: the Dockerfile, and .dockerignore with it, let everything in that the webhook is compiled from.
func TestSources(t *testing.T) {
	t.Parallel()
	goes, err := findGo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	files, err := sources(t.Context(), goes.project())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(files, filepath.Join("pkg", "config", "schema.json")) {
		t.Errorf("the embedded schema is not among the sources %v", files)
	}
	copied, admitted := words(t, filepath.Join(goes.project(), "Dockerfile")), words(t, filepath.Join(goes.project(), ".dockerignore"))
	for _, file := range files {
		admits := func(folder string) bool {
			return slices.Contains(copied, folder) && slices.Contains(admitted, "!"+folder)
		}
		if !slices.ContainsFunc(parents(file), admits) {
			t.Errorf("%s is a part of the webhook, but of no folder that both Dockerfile and .dockerignore have", file)
		}
	}
}

// TestKey: an image is built again only when something in it has changed.
func TestKey(t *testing.T) {
	t.Parallel()
	goes, err := findGo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, version := range []string{"go1.26.0", "go1.26.0", "go1.26.1"} {
		goes.GOVERSION = version
		found, err := key(t.Context(), goes)
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, found)
	}
	if keys[0] != keys[1] || keys[1] == keys[2] {
		t.Errorf("keys are %v, want one for each version of Go", keys)
	}
}

func words(t *testing.T, path string) []string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Fields(string(text))
}

// parents are the folders above a file.
func parents(file string) []string {
	var found []string
	for folder := filepath.Dir(file); folder != "."; folder = filepath.Dir(folder) {
		found = append(found, filepath.ToSlash(folder))
	}
	return found
}
