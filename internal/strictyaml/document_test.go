package strictyaml_test

import (
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/performancecopilot/pcp-injector/internal/strictyaml"
)

type server struct {
	Host  string             `json:"host"`
	Port  int32              `json:"port"`
	Ready bool               `json:"ready"`
	Size  *resource.Quantity `json:"size,omitempty"`
}

type file struct {
	Kind    string            `json:"kind"`
	Main    server            `json:"main"`
	Servers []server          `json:"servers,omitempty"`
	Labels  map[string]string `json:"labels,omitempty"`
	Hidden  string            `json:"-"`
}

var scalars = strictyaml.Scalars{
	reflect.TypeFor[resource.Quantity](): {Form: "must be a quantity, such as 1Gi", Pattern: regexp.MustCompile(`^\d+[A-Za-z]*$`)},
}

// problems of a document, as lines of "line: message".
func problems(t *testing.T, text string, into *file) []string {
	t.Helper()
	document, problem := strictyaml.Parse([]byte(text))
	if problem != nil {
		return []string{line(*problem)}
	}
	var lines []string
	for _, problem := range document.Decode(into, scalars) {
		lines = append(lines, line(problem))
	}
	return lines
}

func line(problem strictyaml.Problem) string {
	return strings.Repeat("+", problem.Line) + " " + problem.Message
}

func TestDecode(t *testing.T) {
	t.Parallel()
	defaults := file{Kind: "File", Main: server{Host: "localhost", Port: 80}, Hidden: "kept"}
	size := resource.MustParse("1Gi")
	for name, c := range map[string]struct {
		text   string
		change func(*file)
	}{
		"nothing":               {"", func(*file) {}},
		"a comment alone":       {"# nothing\n", func(*file) {}},
		"null":                  {"null\n", func(*file) {}},
		"one key of an object":  {"main: {port: 8080}", func(f *file) { f.Main.Port = 8080 }},
		"JSON":                  {`{"kind": "Other", "main": {"ready": true}}`, func(f *file) { f.Kind, f.Main.Ready = "Other", true }},
		"a list":                {"servers:\n- host: a\n- {host: b, port: 2}", func(f *file) { f.Servers = []server{{Host: "a"}, {Host: "b", Port: 2}} }},
		"free keys":             {`labels: {"true": "1", x.y/z: ""}`, func(f *file) { f.Labels = map[string]string{"true": "1", "x.y/z": ""} }},
		"a whole float":         {"main: {port: 5.0}", func(f *file) { f.Main.Port = 5 }},
		"the largest":           {"main: {port: 2147483647}", func(f *file) { f.Main.Port = 2147483647 }},
		"a date where text is":  {"kind: 2026-11-26", func(f *file) { f.Kind = "2026-11-26" }},
		"one that reads itself": {"main: {size: 1Gi}", func(f *file) { f.Main.Size = &size }},
		"its number":            {"main: {size: 1073741824}", func(f *file) { f.Main.Size = resource.NewQuantity(1<<30, resource.DecimalSI) }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, want := defaults, defaults
			c.change(&want)
			if found := problems(t, c.text, &got); len(found) > 0 {
				t.Fatalf("got the problems %v", found)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string // a plus for each line
	}{
		"not YAML":              {"kind: [", []string{"+ not valid YAML: did not find expected node content"}},
		"two documents":         {"kind: a\n---\nkind: b", []string{"++ a second document: the file must contain only one"}},
		"another top":           {"[]", []string{"+ must be an object, not a list"}},
		"unknown keys":          {"knid: a\nmain: {x: 1}", []string{`+ knid: unknown key: did you mean "kind"?`, "++ main.x: unknown key: known are host, port, ready, size"}},
		"a key that has no key": {"Hidden: a", []string{"+ Hidden: unknown key: known are kind, labels, main, servers"}},
		"a key twice":           {"kind: a\nmain: {}\nkind: b", []string{"+++ kind: duplicate key: it is already on line 1"}},
		"a key that is none":    {"labels: {1: a}", []string{"+ labels: keys must be strings: put them in quotes"}},
		"nothing under a key":   {"kind:", []string{`+ kind: must not be empty: remove the key for its default, or write "", [] or {}`}},
		"an alias":              {"kind: &a x\nmain: {host: *a}", []string{"++ main.host: aliases (*name) are not supported: write the value out"}},
		"a merge key":           {"main: {<<: {host: a}}", []string{"+ main: merge keys (<<) are not supported: write the keys out"}},
		"text that is none":     {"kind: yes\nmain: {host: 5}", []string{"++ main.host: must be a string, not a number: put it in quotes"}},
		"a boolean that is not": {"main: {ready: \"true\"}", []string{"+ main.ready: must be true or false, not a string"}},
		"too large":             {"main: {port: 2147483648}", []string{"+ main.port: must be a whole number (int32)"}},
		"not whole":             {"main: {port: 1.5}", []string{"+ main.port: must be a whole number (int32)"}},
		"no number":             {"main: {port: .inf}", []string{"+ main.port: must be a whole number (int32)"}},
		"no list":               {"servers: {}", []string{"+ servers: must be a list, not an object"}},
		"in a list":             {"servers:\n- host: a\n- 5", []string{"+++ servers[1]: must be an object, not a number"}},
		"not a quantity":        {"main: {size: 1.5Gi}", []string{`+ main.size: Invalid value: "1.5Gi": must be a quantity, such as 1Gi`}},
		"a quantity's object":   {"main: {size: {}}", []string{"+ main.size: must be a quantity, such as 1Gi, not an object"}},
		"in the file's order": {"servers: [{x: 1}]\nmain: 5\nkind: {}", []string{
			"+ servers[0].x: unknown key: known are host, port, ready, size", "++ main: must be an object, not a number", "+++ kind: must be a string, not an object",
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			into := file{Kind: "File", Main: server{Port: 1}}
			if diff := cmp.Diff(c.want, problems(t, c.text, &into)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestRest: what has a problem keeps its value, and the rest is decoded.
func TestRest(t *testing.T) {
	t.Parallel()
	got := file{Kind: "File", Main: server{Host: "localhost", Port: 80}, Servers: []server{{Host: "default"}}}
	text := "knid: a\nmain: {host: 5, port: 8080, ready: true}\nservers: [{host: a}, 5]\nlabels: {a: b, c: [d], 1: e}\n"
	if found := problems(t, text, &got); len(found) != 5 {
		t.Errorf("found %q, want 5 problems", found)
	}
	want := file{Kind: "File", Main: server{Host: "localhost", Port: 8080, Ready: true}, Servers: []server{{Host: "default"}}, Labels: map[string]string{"a": "b"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestFull: neither values that read themselves nor unknown keys go beyond the limit, and no rule is repeated then.
func TestFull(t *testing.T) {
	t.Parallel()
	for name, item := range map[string]string{"scalars": "{size: 1.5Gi}", "unknown keys": "{x: 1}"} {
		document, problem := strictyaml.Parse([]byte("servers: [" + strings.Repeat(item+", ", 300) + "]\n"))
		if problem != nil {
			t.Fatal(problem)
		}
		found := document.Decode(&file{}, scalars)
		if last := found[len(found)-1].Message; len(found) != 101 || last != "and more problems: correct these first" {
			t.Errorf("%s: found %d problems, the last one: %s", name, len(found), last)
		}
		if document.Sound("kind") {
			t.Errorf("%s: a rule is repeated, although not all was read", name)
		}
	}
}

// TestSound: a rule says nothing that may come from a problem.
func TestSound(t *testing.T) {
	t.Parallel()
	document, problem := strictyaml.Parse([]byte("knid: a\nservers: [{host: 5}, {prot: 1}, {port: 1}]\nlabels: {a.b/c: 1}\n"))
	if problem != nil {
		t.Fatal(problem)
	}
	if found := document.Decode(&file{}, scalars); len(found) != 4 {
		t.Fatal(found)
	}
	for path, want := range map[string]bool{
		"kind": false, "knid": false, "main": true, "main.host": true,
		"servers": false, "servers[0].host": false, "servers[0].port": false, "servers[1].port": false, "servers[1].ready": false, "servers[2].port": true,
		"labels": false, "labels[a.b/c]": false,
	} {
		if got := document.Sound(path); got != want {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

// TestSecretsAreNotRepeated: a value may be that of a header.
func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"main: {port: s3cret}", "main: {ready: s3cret}", "servers: s3cret", "labels: s3cret", "labels: {a: [s3cret]}"} {
		for _, problem := range problems(t, text, &file{}) {
			if strings.Contains(problem, "s3cret") {
				t.Errorf("%q: the message repeats the value: %s", text, problem)
			}
		}
	}
}

// TestDeep: nesting is limited, and so is the reader's recursion.
func TestDeep(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("[", 100_000)
	if _, problem := strictyaml.Parse([]byte(text)); problem == nil || !strings.Contains(problem.Message, "exceeded max depth") {
		t.Errorf("got %v, want that it is too deep", problem)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	document, problem := strictyaml.Parse([]byte("# first\nkind: a\nport: 5\nmain: {host: b}\n"))
	if problem != nil {
		t.Fatal(problem)
	}
	for key, want := range map[string]string{"kind": "a", "port": "", "main": "", "host": "", "absent": ""} {
		text, line := document.Text(key)
		if text != want || (line == 2) != (key == "kind") {
			t.Errorf("%s: got %q on line %d", key, text, line)
		}
	}
}

func TestLine(t *testing.T) {
	t.Parallel()
	document, problem := strictyaml.Parse([]byte("kind: a\nservers:\n- host: a\n- port: 2\nlabels:\n  x.y: b\n"))
	if problem != nil {
		t.Fatal(problem)
	}
	if found := document.Decode(&file{}, scalars); len(found) > 0 {
		t.Fatal(found)
	}
	for path, want := range map[string]int{
		"kind": 1, "servers": 2, "servers[0].host": 3, "servers[1].port": 4, "servers[1].host": 4, "servers[7]": 2, "labels[x.y]": 6, "main.host": 0, "": 0,
	} {
		if got := document.Line(path); got != want {
			t.Errorf("%s: got line %d, want %d", path, got, want)
		}
	}
}

// TestHostile: what others wrote is refused in few words, and no path repeats a long key.
func TestHostile(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("k", 300_000)
	if got := problems(t, "labels: {? "+long+" : {a: b}}", &file{}); len(got) != 1 || got[0] != "+ labels: keys must have at most 256 bytes" {
		t.Errorf("a long key: got %.300q", got)
	}
	var unknown strings.Builder
	for n := range 20_000 {
		unknown.WriteString("k" + strconv.Itoa(n) + ": 1\n")
	}
	got := problems(t, unknown.String(), &file{})
	if len(got) != 101 || !strings.HasSuffix(got[100], " and more problems: correct these first") {
		t.Errorf("many unknown keys: got %d problems, the last %.300q", len(got), got[len(got)-1])
	}
}
