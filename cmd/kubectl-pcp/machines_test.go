package main

import (
	"encoding"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

// TestMachines: the help of a verb documents each field of what the verb writes for machines, and nothing else.
func TestMachines(t *testing.T) {
	t.Parallel()
	for verb, written := range map[string]any{"check": checked{}, "explain": reported{}, "verify": reported{}, "status": listed{}} {
		_, help, found := strings.Cut(execute("", verb, "--help").stdout, "others may be\nadded:\n")
		if !found {
			t.Fatalf("%s --help says nothing of its fields", verb)
		}
		if diff := cmp.Diff(fieldsOf(reflect.TypeOf(written), ""), documentedFields(help)); diff != "" {
			t.Errorf("%s --help (-written +documented):\n%s", verb, diff)
		}
	}
	help := execute("", "status", "--help").stdout
	for state := range stateColors {
		if !strings.Contains(help, `"`+string(state)+`"`) {
			t.Errorf("status --help does not have the state %q", state)
		}
	}
}

// fieldsOf are the paths of what a type becomes in JSON.
func fieldsOf(of reflect.Type, path string) []string {
	for of.Kind() == reflect.Pointer {
		of = of.Elem()
	}
	if of == reflect.TypeFor[remedy.Remedy]() {
		of = reflect.TypeFor[remedy.Text]() // it writes its text
	}
	switch {
	case of.Kind() == reflect.Slice:
		return fieldsOf(of.Elem(), path+"[]")
	case of.Kind() != reflect.Struct || reflect.PointerTo(of).Implements(reflect.TypeFor[encoding.TextMarshaler]()):
		return []string{strings.TrimPrefix(path, ".")}
	}
	var fields []string
	for field := range of.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous:
			fields = append(fields, fieldsOf(field.Type, path)...)
		case field.IsExported():
			fields = append(fields, fieldsOf(field.Type, path+"."+name)...)
		}
	}
	slices.Sort(fields)
	return fields
}

// documentedField is a line with a path and its meaning. If the line ends with a colon, its fields follow, indented further.
var documentedField = regexp.MustCompile(`^( {2}| {4})([a-z]\S*) {2,}\S.*?(:?)$`)

func documentedFields(help string) []string {
	var fields []string
	above := ""
	for line := range strings.Lines(help) {
		if line == "Exit codes:\n" {
			break
		}
		field := documentedField.FindStringSubmatch(strings.TrimRight(line, "\n"))
		switch {
		case field == nil:
		case field[3] != "":
			above = field[2] + "."
		case field[1] == "  ":
			fields = append(fields, field[2])
		default:
			fields = append(fields, above+field[2])
		}
	}
	slices.Sort(fields)
	return fields
}
