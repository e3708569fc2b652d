package config

import (
	"reflect"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// TestEveryKeyHasFixture: the accepted fixtures set every key somewhere, so each new key needs an example of its form and its result.
func TestEveryKeyHasFixture(t *testing.T) {
	t.Parallel()
	set := map[string]bool{}
	collect(reflect.TypeFor[InjectorConfig](), nil, set)
	for name, data := range goodFiles(t) {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		var value any
		if err := yaml.Unmarshal(data, &value); err != nil {
			t.Fatal(err)
		}
		collect(reflect.TypeFor[InjectorConfig](), value, set)
	}
	for key, seen := range set {
		if !seen {
			t.Errorf("no fixture in testdata/good sets %s", key)
		}
	}
	if len(set) < 50 {
		t.Errorf("only %d keys were found, so this test shows nothing", len(set))
	}
}

// collect records all keys of a type as Type.key, with true for those that the value has. Types of others, such as EnvVar, have none.
func collect(typ reflect.Type, value any, set map[string]bool) {
	switch typ.Kind() {
	case reflect.Pointer:
		collect(typ.Elem(), value, set)
	case reflect.Map:
		entries, _ := value.(map[string]any)
		collect(typ.Elem(), nil, set)
		for _, entry := range entries {
			collect(typ.Elem(), entry, set)
		}
	case reflect.Struct:
		if typ.PkgPath() == reflect.TypeFor[InjectorConfig]().PkgPath() {
			collectFields(typ, value, set)
		}
	}
}

func collectFields(typ reflect.Type, value any, set map[string]bool) {
	object, _ := value.(map[string]any)
	for field := range typ.Fields() {
		if field.Anonymous { // its keys are among those of the object
			collectFields(field.Type, value, set)
			continue
		}
		key, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if key == "" || key == "-" {
			continue
		}
		name := typ.Name() + "." + key
		below, present := object[key]
		set[name] = set[name] || present
		collect(field.Type, below, set)
	}
}
