package main

import (
	"bytes"
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestUpToDate fails if go generate was forgotten.
func TestUpToDate(t *testing.T) {
	t.Parallel()
	for _, chart := range []string{"../../charts/pcp-injector", "../../charts/pcp"} {
		files, err := generate(chart)
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
}

func TestSchema(t *testing.T) {
	t.Parallel()
	const values = `# A comment of the file.

# @schema {"pattern": "^[a-z]*$"}
# -- A name,
# in two lines.
name: x
# -- How many.
count: 2
group:
  # -- Whether.
  enabled: true
# @schema {"additionalProperties": {"type": "string"}}
# -- Labels.
labels: {a: b}
# @schema {"items": {"type": "integer"}}
# -- Numbers.
numbers: [1]
# @schema {"type": ["integer", "string"]}
# -- Either.
either: ""
# @schema {"properties": {"kind": {"type": "string"}}}
# -- A reference.
reference: {}
`
	const want = `{
	"$schema": "http://json-schema.org/draft-07/schema#", "title": "chart",
	"type": "object", "additionalProperties": false, "required": ["count", "either", "group", "labels", "name", "numbers", "reference"], "properties": {
		"name": {"type": "string", "description": "A name, in two lines.", "pattern": "^[a-z]*$"},
		"count": {"type": "integer", "description": "How many."},
		"group": {"type": "object", "additionalProperties": false, "required": ["enabled"], "properties": {"enabled": {"type": "boolean", "description": "Whether."}}},
		"labels": {"type": "object", "description": "Labels.", "additionalProperties": {"type": "string"}},
		"numbers": {"type": "array", "description": "Numbers.", "items": {"type": "integer"}},
		"either": {"type": ["integer", "string"], "description": "Either."},
		"reference": {"type": "object", "description": "A reference.", "additionalProperties": false, "properties": {"kind": {"type": "string"}}},
		"global": {"type": "object", "description": "Values that a parent chart shares; not used."}
	}}`
	got, embeds, err := schemaOfValues([]byte(values), "chart")
	if err != nil || embeds {
		t.Fatalf("embeds %t, error %v", embeds, err)
	}
	if normal(t, string(got)) != normal(t, want) {
		t.Errorf("got %s, want %s", got, want)
	}
}

func normal(t *testing.T, text string) string {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestConfigIsEmbedded(t *testing.T) {
	t.Parallel()
	got, embeds, err := schemaOfValues([]byte("# @schema {\"$config\": true}\n# -- The configuration.\nconfig: {}\n"), "chart")
	if err != nil || !embeds {
		t.Fatalf("embeds %t, error %v", embeds, err)
	}
	var schema struct {
		Properties struct {
			Config struct {
				Additional *bool          `json:"additionalProperties"`
				Properties map[string]any `json:"properties"`
			} `json:"config"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(got, &schema); err != nil {
		t.Fatal(err)
	}
	if c := schema.Properties.Config; c.Properties["target"] == nil || c.Properties["apiVersion"] != nil || c.Additional == nil || *c.Additional {
		t.Errorf("got %+v, want a closed schema with target and without apiVersion", c)
	}
}

func TestBrokenValues(t *testing.T) {
	t.Parallel()
	for values, want := range map[string]string{
		"a: [":                            "failed to parse",
		"[]":                              "must be one mapping",
		"a: x":                            "line 1: a: must be documented",
		"# -- A list.\na: []":             "needs a schema for its items",
		"# -- A map.\na: {}":              "needs a schema for its values",
		"# -- Nothing.\na:":               "has no default",
		"# @schema {\n# -- Broken.\na: x": "failed to read the @schema line",
		"a:\n  b:\n    c: 1":              "line 1: a: line 2: b: line 3: c: must be documented",
	} {
		if _, _, err := schemaOfValues([]byte(values), "chart"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", values, err, want)
		}
	}
}

func TestMissingChart(t *testing.T) {
	t.Parallel()
	if err := run(t.TempDir()); err == nil {
		t.Error("accepted a folder without values")
	}
}
