package config

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/internal/strictyaml"
)

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// generic is a configuration as the schema sees it.
func generic(t *testing.T, data []byte) any {
	t.Helper()
	data, err := yaml.YAMLToJSON(data)
	if err != nil {
		t.Fatal(err)
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func goodFiles(t *testing.T) map[string][]byte {
	t.Helper()
	archives, err := filepath.Glob("testdata/good/*.txtar")
	if err != nil || len(archives) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	files := map[string][]byte{}
	for _, name := range archives {
		archive, err := txtar.ParseFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range archive.Files {
			files[file.Name] = file.Data
		}
	}
	return files
}

// TestSchemaAcceptsGoodFiles checks the inputs and the completed configurations of the fixtures.
func TestSchemaAcceptsGoodFiles(t *testing.T) {
	t.Parallel()
	compiled := compileSchema(t)
	for name, data := range goodFiles(t) {
		if len(bytes.TrimSpace(data)) == 0 || !strings.Contains(string(data), ":") {
			continue // without a document there is nothing to check
		}
		if err := compiled.Validate(generic(t, data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSchemaAgreesWithReader puts a value of every type at every place of a full configuration, and an unknown key into every object. The
// schema must refuse what the reader refuses, and Parse what the schema refuses.
func TestSchemaAgreesWithReader(t *testing.T) {
	t.Parallel()
	compiled := compileSchema(t)
	full := goodFiles(t)["full.yaml"]
	refused := 0
	replacements := []any{nil, true, 5, 5.5, "x", []any{}, []any{5}, map[string]any{}, map[string]any{"typo": 1}}
	for _, text := range []string{"", "a.b", "/x/../y", "a..b:6379", "[fe80::1%eth0]:1", strings.Repeat("a", 254)} {
		replacements = append(replacements, text, []any{text, text})
	}
	for n := range countPlaces(generic(t, full)) {
		for _, replacement := range replacements {
			mutant := generic(t, full)
			place := n
			mutate(mutant, &place, replacement)
			data, err := json.Marshal(mutant)
			if err != nil {
				t.Fatal(err)
			}
			invalid := compiled.Validate(generic(t, data))
			if document, problem := strictyaml.Parse(data); problem == nil {
				if problems := document.Decode(Default(), scalars); len(problems) > 0 && invalid == nil {
					t.Errorf("the schema accepts what the reader refuses: %v", problems)
				}
			}
			if _, err := Parse(data, "mutant"); invalid != nil && err == nil {
				t.Errorf("Parse accepts what the schema refuses: %v", invalid)
			}
			if invalid != nil {
				refused++
			}
		}
	}
	if refused < 100 {
		t.Errorf("only %d mutants were refused: the test tests nothing", refused)
	}
}

// countPlaces counts the values in a value.
func countPlaces(value any) int {
	count := -1
	mutate(value, &count, nil)
	return -1 - count
}

// mutate replaces the value at a place, counted in an order that is the same for equal values.
func mutate(value any, place *int, replacement any) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if *place == 0 {
				value[key] = replacement
			}
			*place--
			mutate(value[key], place, replacement)
		}
	case []any:
		for n := range value {
			if *place == 0 {
				value[n] = replacement
			}
			*place--
			mutate(value[n], place, replacement)
		}
	}
}
