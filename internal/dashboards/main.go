// Command dashboards writes what the charts show and alert about PCP: Grafana dashboards, and the alerts of both charts. It is their only
// source. The dashboards are made with Grafana's own library, whose types are generated from Grafana's schemas.
package main

import (
	_ "embed" // The alerts are a file, because both charts have it.
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

//go:generate go run . ../../charts

//go:embed pcp-alerts.yaml
var alerts []byte

// The charts, by their folders.
const (
	chartInjector = "pcp-injector"
	chartPCP      = "pcp"
)

func main() {
	flag.Parse()
	if err := run(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "dashboards:", err)
		os.Exit(1)
	}
}

func run(charts string) error {
	files, err := generate()
	if err != nil {
		return err
	}
	for _, chart := range []string{chartInjector, chartPCP} {
		// Nothing is left behind by a dashboard that was renamed.
		if err := os.RemoveAll(filepath.Join(charts, chart, "files", "dashboards")); err != nil {
			return fmt.Errorf("failed to remove the old dashboards: %w", err)
		}
	}
	for name, content := range files {
		name = filepath.Join(charts, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o750), os.WriteFile(name, content, 0o600)); err != nil {
			return fmt.Errorf("failed to write: %w", err)
		}
	}
	return nil
}

// generate returns the content of the generated files by their names below the charts' folder.
func generate() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, chart := range []string{chartInjector, chartPCP} {
		files[filepath.Join(chart, "files", "pcp-alerts.yaml")] = alerts
	}
	for _, b := range []board{node(), vector(), valkey(), injector()} {
		built, err := b.build()
		if err != nil {
			return nil, fmt.Errorf("failed to build the dashboard %s: %w", b.uid, err)
		}
		text, err := json.MarshalIndent(built, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("failed to write the dashboard %s: %w", b.uid, err)
		}
		for _, chart := range b.charts {
			files[filepath.Join(chart, "files", "dashboards", b.uid+".json")] = append(text, '\n')
		}
	}
	return files, nil
}
