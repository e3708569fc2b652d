package yamledit

import (
	"bytes"
	"encoding/json"
	"testing"

	yaml "go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"
)

// FuzzEdit adds to one collection of any document, and takes it out again: what was added in place leaves no trace.
func FuzzEdit(f *testing.F) {
	for _, text := range []string{
		"a: b # c\n", "a:\n- b\n\n# c\nd: |\n  x\n", "{a: [b, 'c'], d: {e: f}}\n", "---\r\na:\r\n  b: \"x\r\n    y\"\r\n",
		"a:\n    - - b\n      - c\n    -\n      d: e\n", "? a\n: b\n", "a: &x\n  b: c\nd: *x\ne: {<<: *x}\n", "a: >-\n\n  b\n\n\nc: é\n...\n",
		"a:\n  b: |2\n     x\n  # y\n", "a: !!map\n  b: !x 1\n", "a:\n- b:\n  - c\n  # d\n  e: ~\n-\n- {}\n", "\ta: b", "a: 'it''s' #\n'b': \"\\\"#\"\n",
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
		was, err := decode(have)
		if err != nil {
			t.Fatal(err)
		}
		n := int(place)
		to, grown := grow(was, &n)
		if root, err := parse(text); !grown || err != nil || !bytes.ContainsRune(text, '*') && written(root) != keys(was) {
			t.Skip() // 0 and 0.0 are one key in JSON, and which one counts is chance
		}
		edited, err := Edit(text, have, []byte(marshal(to)))
		if err != nil {
			return // refused, and so not wrong
		}
		back, err := Edit(edited, []byte(marshal(to)), have)
		if err != nil && bytes.ContainsRune(text, '!') {
			return // parsers disagree about odd tags
		} else if err != nil {
			t.Fatalf("failed to take out again: %v\n%s", err, edited)
		}
		if inPlace(text, was, to) && inPlace(edited, to, was) && !bytes.Equal(back, text) {
			t.Errorf("got back %q\nfor %q\nedited %q", back, text, edited)
		}
	})
}

// grow adds to the n-th collection that is not empty.
func grow(v any, n *int) (any, bool) {
	addition := object{{"added", list{json.Number("1"), object{{"x", "y\n z\n"}, {"e", object{}}}}}}
	switch v := v.(type) {
	case object:
		*n--
		if *n < 0 && len(v) > 0 {
			return append(append(object{}, v...), addition...), true
		}
		for i, m := range v {
			if to, grown := grow(m.value, n); grown {
				changed := append(object{}, v...)
				changed[i].value = to
				return changed, true
			}
		}
	case list:
		*n--
		if *n < 0 && len(v) > 0 {
			return append(append(list{}, v...), addition, "z"), true
		}
		for i, item := range v {
			if to, grown := grow(item, n); grown {
				changed := append(list{}, v...)
				changed[i] = to
				return changed, true
			}
		}
	}
	return v, false
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

func keys(v any) int {
	count := 0
	switch v := v.(type) {
	case object:
		count = len(v)
		for _, m := range v {
			count += keys(m.value)
		}
	case list:
		for _, item := range v {
			count += keys(item)
		}
	}
	return count
}

func inPlace(text []byte, have, want any) bool {
	root, err := parse(text)
	if err != nil || bytes.ContainsAny(text, "&*<!") {
		return false
	}
	edited, err := editText(text, root, have, want)
	return err == nil && verify(edited, want) == nil
}
