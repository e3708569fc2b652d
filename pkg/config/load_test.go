package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

func TestLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "injector.yaml")
	write(t, path, "target: {name: exporter}\n")
	cfg, err := config.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Target.Name != "exporter" || len(cfg.Target.TrustedCreators) != 1 {
		t.Errorf("not decoded over the defaults and completed: %+v", cfg.Target)
	}
}

func TestLoadFails(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	large, invalid := filepath.Join(folder, "large.yaml"), filepath.Join(folder, "invalid.yaml")
	write(t, large, strings.Repeat("# comment\n", 1<<17))
	write(t, invalid, "\ntarget: {nam: a}\n")
	for path, want := range map[string]string{
		filepath.Join(folder, "missing.yaml"): "failed to read the configuration: open " + folder + "/missing.yaml: no such file or directory",
		folder:                                "failed to read the configuration: read " + folder + ": is a directory",
		large:                                 large + ": file too large: must be no more than 1048576 bytes",
		"/dev/zero":                           "/dev/zero: file too large: must be no more than 1048576 bytes",
		invalid:                               invalid + `:2: target.nam: unknown key: did you mean "name"?`,
	} {
		cfg, err := config.Load(path)
		if err == nil || err.Error() != want || cfg != nil {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

func TestErrorsKeepTheirTypes(t *testing.T) {
	t.Parallel()
	if _, err := config.Load(filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
	_, err := config.Parse([]byte("container:\n  image: ''\n"), "injector.yaml")
	var file *config.FileError
	if !errors.As(err, &file) || file.Name != "injector.yaml" || file.Problems[0].Line != 2 {
		t.Errorf("%v is not a FileError with a line", err)
	}
}

func TestDefaultIsValid(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Complete()
	if errs := cfg.Validate(); len(errs) > 0 {
		t.Error(errs.ToAggregate())
	}
	again := config.Default()
	again.Complete()
	again.Complete()
	if !equality.Semantic.DeepEqual(cfg, again) {
		t.Error("Complete is not idempotent")
	}
}

// TestDefaultsAreNotShared guards against a decoder that writes into the defaults of the next configuration.
func TestDefaultsAreNotShared(t *testing.T) {
	t.Parallel()
	before := config.Default()
	_, err := config.Parse([]byte("container: {services: [pmproxy], keyServers: ['a:1'], resources: {requests: {cpu: 1}}}\noverrides: {allow: [services]}\n"), "a")
	if err != nil {
		t.Fatal(err)
	}
	if !equality.Semantic.DeepEqual(before, config.Default()) || len(config.Services) != 4 || config.Services[0] != config.ServicePMCD {
		t.Error("the defaults changed")
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestEqualConfigurationsMarshalEqually: the hash of the configuration relies on it.
func TestEqualConfigurationsMarshalEqually(t *testing.T) {
	t.Parallel()
	var first []byte
	for _, text := range []string{
		"container: {resources: {requests: {memory: 128Mi, cpu: 0.05}}, domainAgents: []}\n",
		"container: {resources: {requests: {cpu: 50m, memory: 131072Ki}}, services: [pmcd, pmie, pmlogger, pmproxy]}\n",
		"",
	} {
		cfg, err := config.Parse([]byte(text), "injector.yaml")
		if err != nil {
			t.Fatal(err)
		}
		data, err := json.Marshal(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if first == nil {
			first = data
		}
		if !bytes.Equal(first, data) {
			t.Errorf("want %s\ngot  %s", first, data)
		}
	}
}

func TestImageMoves(t *testing.T) {
	t.Parallel()
	const digest = "@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	for image, want := range map[string]bool{
		config.DefaultImage:                        false,
		"pcp":                                      true,
		"pcp:latest":                               true,
		"registry.example.com:5000/pcp":            true,
		"registry.example.com:5000/pcp:latest":     true,
		"registry.example.com:5000/pcp:7.2.0":      false,
		"registry.example.com/pcp:latest-fedora":   false,
		"registry.example.com/pcp" + digest:        false,
		"registry.example.com/pcp:latest" + digest: false,
	} {
		if got := (&config.Container{Image: image}).ImageMoves(); got != want {
			t.Errorf("%s: got %v, want %v", image, got, want)
		}
	}
}
