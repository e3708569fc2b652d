package main

import (
	"encoding/json"
	"strings"
	"testing"
	"text/template"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// TestSources: the chart writes OpenMetrics sources as pkg/config does, byte for byte. Helm's values are what JSON makes of them.
func TestSources(t *testing.T) {
	t.Parallel()
	for _, endpoint := range []config.Endpoint{
		{URL: "http://localhost:9100/metrics"},
		{URL: "https://h/m?a=b&c=<d>", Headers: map[string]string{"b": "2", "A": "1", "X-Scope-OrgID": `"quoted" {{ .url }}`}},
		{URL: "file:///run/metrics.prom", Filters: []string{"INCLUDE METRIC z.*", "EXCLUDE METRIC .*"}},
		{URL: "http://h", Headers: map[string]string{"Accept": "text/plain; q=0.5", "empty": ""}, Filters: []string{"OPTIONAL LABEL x"}},
	} {
		if got, want := executed(t, "pcp-injector.source", values(t, endpoint)), endpoint.File(); got != want {
			t.Errorf("%+v: got %q, want %q", endpoint, got, want)
		}
	}
}

func TestSourceNames(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "node-exporter", "a.b-c_d", "A..B--C"} {
		want, err := config.SourceName(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := executed(t, "pcp-injector.sourceName", name); got != want {
			t.Errorf("%q: got %q, want %q", name, got, want)
		}
	}
}

func executed(t *testing.T, name string, data any) string {
	t.Helper()
	functions := template.FuncMap{"replace": func(from, to, text string) string { return strings.ReplaceAll(text, from, to) }}
	templates, err := template.New("").Funcs(functions).ParseFiles("../../charts/pcp-injector/templates/_openmetrics.tpl")
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := templates.ExecuteTemplate(&text, name, data); err != nil {
		t.Fatal(err)
	}
	return text.String()
}

func values(t *testing.T, endpoint config.Endpoint) map[string]any {
	t.Helper()
	text, err := json.Marshal(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]any
	if err := json.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	return values
}
