// Command chartschema writes what is derived from a chart's values.yaml and from pkg/config: the chart's values.schema.json and, if the
// values contain an InjectorConfig, what the templates need of the Go code: the injector's defaults (files/defaults.yaml), and its tables
// of kinds, annotations and ports (templates/_tables.tpl).
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

func main() {
	flag.Parse()
	for _, chart := range flag.Args() {
		if err := run(chart); err != nil {
			fmt.Fprintln(os.Stderr, "chartschema:", err)
			os.Exit(1)
		}
	}
}

func run(chart string) error {
	files, err := generate(chart)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			return fmt.Errorf("failed to make the folder: %w", err)
		}
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return fmt.Errorf("failed to write: %w", err)
		}
	}
	return nil
}

// generate returns the content of the generated files by their names.
func generate(chart string) (map[string][]byte, error) {
	values, err := os.ReadFile(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return nil, fmt.Errorf("failed to read the values: %w", err)
	}
	schema, embeds, err := schemaOfValues(values, filepath.Base(chart))
	if err != nil {
		return nil, fmt.Errorf("failed to derive a schema from %s: %w", filepath.Join(chart, "values.yaml"), err)
	}
	files := map[string][]byte{filepath.Join(chart, "values.schema.json"): schema}
	if !embeds {
		return files, nil
	}
	defaults, err := defaultConfig()
	if err != nil {
		return nil, err
	}
	files[filepath.Join(chart, "files", "defaults.yaml")] = defaults
	files[filepath.Join(chart, "templates", "_tables.tpl")], err = tables()
	return files, err
}

// defaultConfig is the configuration of an empty file, without what depends on the target's kind.
func defaultConfig() ([]byte, error) {
	cfg := config.Default()
	cfg.Complete()
	cfg.Target.TrustedCreators = nil
	text, err := yaml.Marshal(map[string]any{"config": cfg})
	if err != nil {
		return nil, fmt.Errorf("failed to write the defaults: %w", err)
	}
	return append([]byte("# Generated from pkg/config by internal/chartschema: run go generate ./...\n"), text...), nil
}
