package config_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

var update = flag.Bool("update", false, "write what the fixtures want")

// forEachFixture runs got on every <case>.yaml of the archives in a folder of testdata, and compares its result with <case>.want.
func forEachFixture(t *testing.T, folder string, got func(data []byte) (string, error)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures in %s: %v", folder, err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var result []txtar.File
		for _, c := range archive.Files {
			name, isInput := strings.CutSuffix(c.Name, ".yaml")
			if !isInput {
				continue
			}
			output, err := got(c.Data)
			if err != nil {
				t.Errorf("%s: %s: %v", file, name, err)
			}
			if diff := cmp.Diff(wanted(archive, name), output); diff != "" && !*update {
				t.Errorf("%s: %s: want -, got +:\n%s", file, name, diff)
			}
			result = append(result, c, txtar.File{Name: name + ".want", Data: []byte(output)})
		}
		if archive.Files = result; *update {
			if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func wanted(archive *txtar.Archive, name string) string {
	for _, file := range archive.Files {
		if file.Name == name+".want" {
			return string(file.Data)
		}
	}
	return ""
}

// TestBroken holds the exact text of every error.
func TestBroken(t *testing.T) {
	t.Parallel()
	forEachFixture(t, "broken", func(data []byte) (string, error) {
		_, err := config.Parse(data, "injector.yaml")
		if err == nil {
			return "", errors.New("accepted")
		}
		return err.Error() + "\n", nil
	})
}

// TestGood holds the completed configurations.
func TestGood(t *testing.T) {
	t.Parallel()
	forEachFixture(t, "good", func(data []byte) (string, error) {
		cfg, err := config.Parse(data, "injector.yaml")
		if err != nil {
			return "", err
		}
		text, err := yaml.Marshal(cfg)
		return string(text), err
	})
}
