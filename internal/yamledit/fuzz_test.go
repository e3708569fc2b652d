package yamledit

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	yaml "go.yaml.in/yaml/v3"
	operations "gomodules.xyz/jsonpatch/v2"
	kyaml "sigs.k8s.io/yaml"
)

// FuzzEdit adds to one collection of any document, and removes it again: the addition leaves no trace. Then it removes what was there
// before: the rest is not touched.
func FuzzEdit(f *testing.F) {
	for _, text := range []string{
		"a: b # c\n", "a:\n- b\n\n# c\nd: |\n  x\n", "{a: [b, 'c'], d: {e: f}}\n", "---\r\na:\r\n  b: \"x\r\n    y\"\r\n",
		"a:\n    - - b\n      - c\n    -\n      d: e\n", "? a\n: b\n", "a: &x\n  b: c\nd: *x\ne: {<<: *x}\n", "a: >-\n\n  b\n\n\nc: é\n...\n",
		"a:\n  b: |2\n     x\n  # y\n", "a: !!map\n  b: !x 1\n", "a:\n- b:\n  - c\n  # d\n  e: ~\n-\n- {}\n", "\ta: b", "a: 'it''s' #\n'b': \"\\\"#\"\n",
		"a: {b, c: , d: [e: f]} # g\n", "a: >+\n  b\n\n\nc:\n- |-\n   d\n  # e\n- f\n", "a: b\r\nc:\n- d\r\n", "a: \"b\"\rc: d\r",
		"l: &l\n  a: b\nm:\n  labels:   *l # same\n", "l: &l [a]\nm: {list: *l}\n", "l: &l {n: {a: b}}\nm:\n  <<: *l\n  c: d\n", "a: &a b\nl:\n- *a\n- &c {d: *a}\n- *c\n",
		// Found by fuzzing.
		"0:\n- {0}", "Y: \n 0:", "0: '000'\n'0': 0\"7277aX9", "0:\n    -    000\n000.00000000000: 0", "0: !0\r", "0:\n- - ! #00000000",
	} {
		for place := range uint8(4) {
			f.Add([]byte(text), place)
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, place uint8) {
		have, err := kyaml.YAMLToJSON(text)
		if err != nil || CheckKeys(text) != nil {
			t.Skip()
		}
		found := collections(t, have)
		if len(found) == 0 {
			t.Skip()
		}
		if root, err := parse(text); err != nil || !bytes.ContainsRune(text, '*') && written(root) != keys(found) {
			t.Skip() // 0 and 0.0 are one key in JSON, and which one counts is chance
		}
		at := found[int(place)%len(found)]
		addAndRemove(t, text, have, at)
		removeEach(t, text, have, at)
	})
}

func addAndRemove(t *testing.T, text, have []byte, at collection) {
	t.Helper()
	grown := patched(t, have, at.grow())
	edited, err := Edit(text, at.grow(), grown)
	if err != nil {
		return // refused, so not wrong
	}
	back, err := Edit(edited, at.shrink(), have)
	if err != nil && bytes.ContainsRune(text, '!') {
		return // parsers disagree about odd tags
	} else if err != nil {
		t.Fatalf("failed to take out again: %v\n%s", err, edited)
	}
	if restorable(text) && inPlace(text, at.grow(), grown) && inPlace(edited, at.shrink(), have) && !bytes.Equal(back, text) {
		t.Errorf("got back %q\nfor %q\nedited %q", back, text, edited)
	}
}

func removeEach(t *testing.T, text, have []byte, at collection) {
	t.Helper()
	for _, step := range at.steps[:min(len(at.steps), 4)] {
		ops := []operations.Operation{operations.NewOperation("remove", at.path+"/"+escape.Replace(step), nil)}
		want := patched(t, have, ops)
		if edited, err := Edit(text, ops, want); err == nil && len(at.steps) > 1 && !bytes.ContainsAny(text, "&*<") && inPlace(text, ops, want) && !within(edited, text) {
			t.Errorf("got %q\nfor %q\nwithout %s", edited, text, ops[0].Path)
		}
	}
}

// within reports whether a text equals another one without some of its bytes.
func within(part, text []byte) bool {
	for _, c := range text {
		if len(part) > 0 && part[0] == c {
			part = part[1:]
		}
	}
	return len(part) == 0
}

// collection that is not empty.
type collection struct {
	path  string
	list  bool
	steps []string // its keys or positions
}

func (c *collection) grow() []operations.Operation {
	value := json.RawMessage(`{"x":"y\n z\n","e":{},"l":[1]}`)
	if c.list {
		return []operations.Operation{operations.NewOperation("add", c.path+"/-", value), operations.NewOperation("add", c.path+"/-", "z")}
	}
	return []operations.Operation{operations.NewOperation("add", c.path+"/added", value), operations.NewOperation("add", c.path+"/also~1added", "z")}
}

func (c *collection) shrink() []operations.Operation {
	first, second := "added", "also~1added"
	if c.list {
		second, first = strconv.Itoa(len(c.steps)), strconv.Itoa(len(c.steps)+1)
	}
	return []operations.Operation{operations.NewOperation("remove", c.path+"/"+first, nil), operations.NewOperation("remove", c.path+"/"+second, nil)}
}

var escape = strings.NewReplacer("~", "~0", "/", "~1")

func collections(t *testing.T, data []byte) []collection {
	t.Helper()
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	var found []collection
	var visit func(path string, value any)
	visit = func(path string, value any) {
		c := collection{path: path}
		children := map[string]any{}
		switch value := value.(type) {
		case map[string]any:
			children = value
			c.steps = slices.Sorted(maps.Keys(value))
		case []any:
			c.list = true
			for i, item := range value {
				c.steps = append(c.steps, strconv.Itoa(i))
				children[c.steps[i]] = item
			}
		}
		if len(c.steps) > 0 {
			found = append(found, c)
		}
		for _, step := range c.steps {
			visit(path+"/"+escape.Replace(step), children[step])
		}
	}
	visit("", value)
	return found
}

// written counts the keys of a text, keys those of its value.
func written(n *yaml.Node) int {
	count := 0
	if n.Kind == yaml.MappingNode {
		count = len(n.Content) / 2
	}
	for _, child := range n.Content {
		count += written(child)
	}
	return count
}

func keys(found []collection) int {
	count := 0
	for _, c := range found {
		if !c.list {
			count += len(c.steps)
		}
	}
	return count
}

func patched(t *testing.T, data []byte, ops []operations.Operation) []byte {
	t.Helper()
	encoded, err := json.Marshal(ops)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonpatch.DecodePatch(encoded)
	if err != nil {
		t.Fatal(err)
	}
	want, err := decoded.Apply(data)
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// restorable reports whether no author has written a mark of ours.
func restorable(text []byte) bool { return !bytes.Contains(text, []byte("pcp-")) }

func inPlace(text []byte, ops []operations.Operation, want []byte) bool {
	text, _ = unixBreaks(text)
	doc, err := parse(text)
	if err != nil || bytes.ContainsRune(text, '!') {
		return false
	}
	e := newEditor(text, doc)
	if e.patch(ops) != nil {
		return false
	}
	edited, err := e.apply()
	return err == nil && verify(edited, want) == nil
}
