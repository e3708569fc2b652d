package config_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/performancecopilot/pcp-injector/internal/work"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// FuzzParse: no file makes Parse panic, and what it accepts is valid and survives being written and read again.
func FuzzParse(f *testing.F) {
	for _, name := range []string{
		"good/files", "good/example", "broken/syntax", "broken/keys", "broken/values", "broken/target",
		"broken/container", "broken/probes", "broken/persistence", "broken/monitoring",
	} {
		archive, err := txtar.ParseFile("testdata/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range archive.Files {
			f.Add(file.Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		cfg, err := config.Parse(data, "injector.yaml")
		if err != nil {
			return
		}
		if errs := cfg.Validate(); len(errs) > 0 {
			t.Fatal(errs.ToAggregate())
		}
		first := marshal(t, cfg)
		again, err := config.Parse(first, "again")
		if err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second := marshal(t, again); !bytes.Equal(first, second) || !equality.Semantic.DeepEqual(cfg, again) {
			t.Fatalf("want %s\ngot  %s", first, second)
		}
	})
}

func marshal(t *testing.T, cfg *config.InjectorConfig) []byte {
	t.Helper()
	data, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// FuzzEndpoint: the file of every valid endpoint is a valid source, in which the agent finds what the endpoint says.
func FuzzEndpoint(f *testing.F) {
	f.Add("http://localhost:9100/metrics", "Authorization", "Bearer x: y", "INCLUDE METRIC node_.*")
	f.Add("file:///run/a.prom", "X-A", " ", "OPTIONAL LABEL  a b")
	f.Add("https://[::1]:80/?a#b", "a", "", "EXCLUDE LABEL ^(a|b)$")
	f.Fuzz(func(t *testing.T, url, name, value, filter string) {
		for _, text := range []string{url, name, value, filter} {
			if !utf8.ValidString(text) {
				return // no file can hold it
			}
		}
		endpoint := config.Endpoint{URL: url, Headers: map[string]string{name: value}, Filters: []string{filter}}
		cfg := config.Default()
		cfg.Complete()
		cfg.OpenMetrics.Endpoints = map[string]config.Endpoint{"a": endpoint}
		if len(cfg.Validate()) > 0 {
			return
		}
		if problems := config.CheckSourceFile(endpoint.File(), config.Administrator, work.NewBudget(1<<20)); len(problems) > 0 {
			t.Fatalf("%q: %v", endpoint.File(), problems)
		}
		got, trim := readAsAgent(endpoint.File()), strings.TrimSpace
		if got.url != url || trim(got.headers[name]) != trim(value) || trim(got.filters[0]) != trim(filter) {
			t.Fatalf("the agent reads %+v from %q", got, endpoint.File())
		}
	})
}
