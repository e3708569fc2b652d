package yamledit

import (
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	operations "gomodules.xyz/jsonpatch/v2"
	kyaml "sigs.k8s.io/yaml"
)

func TestEdit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, patch, want string }{
		{
			"entry behind comments that belong to the mapping",
			"a:\n    b: 1 # one\n    # two\n\n# c\nc: 2\n",
			`[{"op":"add","path":"/a/x","value":{"y":[1,{"p":"q","r":{}}],"z":"yes"}}]`,
			"a:\n    b: 1 # one\n    # two\n    x:\n        \"y\":\n        - 1\n        - p: q\n          r: {}\n        z: \"yes\"\n\n# c\nc: 2\n",
		},
		{
			"item of an indented sequence, behind a commented-out one",
			"a:\n  - name: b\n    c: d\n  # - name: old\n\ne: f\n",
			`[{"op":"add","path":"/a/-","value":{"name":"x","l":["y"]}}]`,
			"a:\n  - name: b\n    c: d\n  # - name: old\n  - name: x\n    l:\n      - \"y\"\n\ne: f\n",
		},
		{
			"a comment below dashes in their key's column belongs to the next key",
			"a:\n- b\n# about c\nc: d\n",
			`[{"op":"add","path":"/a/-","value":"x"}]`,
			"a:\n- b\n- x\n# about c\nc: d\n",
		},
		{
			"first item, above the comment of the one that was first",
			"a:\n# first\n- b\n- c\n",
			`[{"op":"add","path":"/a/0","value":"x"}]`,
			"a:\n- x\n# first\n- b\n- c\n",
		},
		{
			"block scalars keep lines that look like comments",
			"a:\n  s: |\n    # x\n    y\n\n    # z\n\nb: |+\n  k\n\n",
			`[{"op":"add","path":"/a/n","value":1},{"op":"add","path":"/c","value":2}]`,
			"a:\n  s: |\n    # x\n    y\n\n    # z\n  \"n\": 1\n\nb: |+\n  k\n\nc: 2\n",
		},
		{
			"quoted and plain scalars of several lines",
			"a:\n  q: \"x\n    # y\"  # c\nb:\n  p: one\n    two\n\n    three # c\nc: {}\n",
			`[{"op":"add","path":"/a/n","value":1},{"op":"add","path":"/b/n","value":1}]`,
			"a:\n  q: \"x\n    # y\"  # c\n  \"n\": 1\nb:\n  p: one\n    two\n\n    three # c\n  \"n\": 1\nc: {}\n",
		},
		{
			"flow style",
			"a: {b: 1, c: [it's, \"x,]\", 'y''}'], }\nd: [] # none\ne: [\n  {f: g} # h, i\n]\n",
			`[{"op":"add","path":"/a/x","value":"y"},{"op":"add","path":"/a/c/-","value":2},{"op":"add","path":"/d/-","value":1},{"op":"add","path":"/e/0/n","value":null}]`,
			"a: {b: 1, c: [it's, \"x,]\", 'y''}', 2], x: \"y\", }\nd: # none\n- 1\ne: [\n  {f: g, \"n\": null} # h, i\n]\n",
		},
		{
			"values in place, with their comments",
			"a: 1 # one\nb: 'x'\nc:\nd: ~ # none\ne: {} # empty\nf: |\n  text\ng: [1,\n  2] # two\nh:\n- x\n",
			`[{"op":"replace","path":"/a","value":"x"},{"op":"replace","path":"/b","value":{"y":1}},{"op":"replace","path":"/c","value":{"y":1}},{"op":"replace","path":"/d","value":[1]},{"op":"replace","path":"/e","value":{"k":"l"}},{"op":"replace","path":"/f","value":"m\nn\n"},{"op":"replace","path":"/g","value":false},{"op":"replace","path":"/h","value":[]}]`,
			"a: x # one\nb:\n  \"y\": 1\nc:\n  \"y\": 1\nd: # none\n- 1\ne: # empty\n  k: l\nf: |\n  m\n  n\ng: false # two\nh: []\n",
		},
		{
			"removals",
			"a:\n  b: 1\n  c:\n  - 1\n\n  - 2 # two\n  # end\n  d: |\n    x\n\n    y\n  e: 5\nf: [1, 2, 3]\ng: {h: i}",
			`[{"op":"remove","path":"/a/b"},{"op":"remove","path":"/a/c/0"},{"op":"remove","path":"/a/d"},{"op":"remove","path":"/f/0"},{"op":"remove","path":"/f/1"},{"op":"remove","path":"/g"}]`,
			"a:\n  c:\n\n  - 2 # two\n  # end\n  e: 5\nf: [2]",
		},
		{
			"CRLF and no line break at the end",
			"---\r\na:\r\n  b: é\r\n  c: >\r\n    d\r\n  e: f",
			`[{"op":"add","path":"/a/x","value":"p\nq\n"},{"op":"add","path":"/y","value":[1]}]`,
			"---\r\na:\r\n  b: é\r\n  c: >\r\n    d\r\n  e: f\r\n  x: |\r\n    p\r\n    q\r\n\"y\":\r\n- 1",
		},
		{
			"an alias is written out, a merged key is overridden",
			"a: &a {b: 1}\nc: *a\nd:\n  <<: *a\n",
			`[{"op":"add","path":"/c/x","value":1},{"op":"replace","path":"/d/b","value":2}]`,
			"a: &a {b: 1}\nc: &pcp-copy-of-a\n  b: 1\n  x: 1\nd:\n  <<: *a\n  b: 2\n",
		},
		{
			"an odd layout is written anew with its comments",
			"# head\n? a\n: b: 1 # one\nc: |\n  d",
			`[{"op":"add","path":"/a/x","value":[1]},{"op":"add","path":"/e","value":2}]`,
			"# head\na:\n  b: 1 # one\n  x:\n  - 1\nc: |-\n  d\ne: 2\n",
		},
		{
			"flow style: values, first items, comments, tags",
			"a: {b: 1, 'c': &x \"y\", d: [1, 2]}\ne: [ # e\n  !!str 'f', # ]\n  g h's,\n]\n",
			`[{"op":"replace","path":"/a/b","value":{"x":null}},{"op":"replace","path":"/a/c","value":"z"},{"op":"remove","path":"/a/d/1"},{"op":"add","path":"/a/d/-","value":3},{"op":"remove","path":"/e/1"}]`,
			"a: {b: {x: null}, 'c': z, d: [1, 3]}\ne: [ # e\n  !!str 'f',\n]\n",
		},
		{
			"an odd layout with lists is written anew",
			"a:\n- - b # one\n  - c\n? d\n: - e\n  - f # two\ng: {h: i}\n",
			`[{"op":"remove","path":"/a/0/0"},{"op":"add","path":"/d/0","value":{"x":[]}},{"op":"replace","path":"/g/h","value":"yes"},{"op":"remove","path":"/d/1"}]`,
			"a:\n- - c\nd:\n- x: []\n- f # two\ng: {h: \"yes\"}\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ops, want := patch(t, c.text, c.patch)
			got, err := Edit([]byte(c.text), ops, want)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != c.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, c.want)
			}
		})
	}
}

// TestCopies: an alias or a merge key that was written out comes back with the spaces and the comments around it.
func TestCopies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, patch, edited, back string }{
		"an alias": {
			"l: &l\n  a: b\nm:\n  labels:   *l # same\n  # end\nn: *l\n",
			`[{"op":"add","path":"/m/labels/x","value":"y"}]`,
			"l: &l\n  a: b\nm:\n  labels:   &pcp-copy-of-l # same\n    a: b\n    x: \"y\"\n  # end\nn: *l\n",
			`[{"op":"remove","path":"/m/labels/x"}]`,
		},
		"an alias on a line of its own, and one of a list": {
			"l: &l [a]\nm:\n  list:\n      *l\n",
			`[{"op":"add","path":"/m/list/-","value":"x"}]`,
			"l: &l [a]\nm:\n  list:\n      &pcp-copy-of-l\n  - a\n  - x\n",
			`[{"op":"remove","path":"/m/list/1"}]`,
		},
		"in flow style": {
			"l: &l {a: b}\nm: {labels: *l, n: 1}\n",
			`[{"op":"add","path":"/m/labels/x","value":1}]`,
			"l: &l {a: b}\nm: {labels: &pcp-copy-of-l {a: b, x: 1}, n: 1}\n",
			`[{"op":"remove","path":"/m/labels/x"}]`,
		},
		"an alias inside what another one repeats": {
			"l: &l\n  a: b\nt: &t\n  m:\n    labels: *l\n    o: [p]\nu: *t",
			`[{"op":"add","path":"/u/m/labels/x","value":1}]`,
			"l: &l\n  a: b\nt: &t\n  m:\n    labels: *l\n    o: [p]\nu: &pcp-copy-of-t\n  m:\n    labels: &pcp-copy-of-l\n      a: b\n      x: 1\n    o:\n    - p",
			`[{"op":"remove","path":"/u/m/labels/x"}]`,
		},
		"a merge key": {
			"l: &l\n  labels: {a: b}\nm:\n  <<: *l\n  c: d\ne: f\n",
			`[{"op":"add","path":"/m/labels/x","value":1}]`,
			"l: &l\n  labels: {a: b}\nm:\n  <<: *l\n  c: d\n  labels: &pcp-merged\n    a: b\n    x: 1\ne: f\n",
			`[{"op":"remove","path":"/m/labels/x"}]`,
		},
		"a merge key in flow style": {
			"l: &l {labels: {a: b}}\nm: {<<: *l, c: d}\n",
			`[{"op":"add","path":"/m/labels/x","value":1}]`,
			"l: &l {labels: {a: b}}\nm: {<<: *l, c: d, labels: &pcp-merged {a: b, x: 1}}\n",
			`[{"op":"remove","path":"/m/labels/x"}]`,
		},
		"CRLF": {
			"l: &l\r\n  a: b\r\nm: *l\r\n",
			`[{"op":"add","path":"/m/x","value":1}]`,
			"l: &l\r\n  a: b\r\nm: &pcp-copy-of-l\r\n  a: b\r\n  x: 1\r\n",
			`[{"op":"remove","path":"/m/x"}]`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edited := requireEdit(t, c.text, c.patch, c.edited)
			requireEdit(t, edited, c.back, c.text)
		})
	}
}

// TestChangedCopy: a copy that its author has changed stays one.
func TestChangedCopy(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, patch, want string }{
		"the copy":        {"l: &l {a: b}\nm: &pcp-copy-of-l\n  a: c\n  x: 1\n", `[{"op":"remove","path":"/m/x"}]`, "l: &l {a: b}\nm: &pcp-copy-of-l\n  a: c\n"},
		"its source":      {"m: &pcp-copy-of-l\n  a: b\n  x: 1\n", `[{"op":"remove","path":"/m/x"}]`, "m: &pcp-copy-of-l\n  a: b\n"},
		"a later source":  {"m: &pcp-copy-of-l\n  a: b\n  x: 1\nl: &l {a: b}\n", `[{"op":"remove","path":"/m/x"}]`, "m: &pcp-copy-of-l\n  a: b\nl: &l {a: b}\n"},
		"the merged keys": {"l: &l {o: {a: b}}\nm: {<<: *l, o: &pcp-merged {a: c, x: 1}}\n", `[{"op":"remove","path":"/m/o/x"}]`, "l: &l {o: {a: b}}\nm: {<<: *l, o: &pcp-merged {a: c}}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			requireEdit(t, c.text, c.patch, c.want)
		})
	}
}

func requireEdit(t *testing.T, text, operations, want string) string {
	t.Helper()
	ops, meaning := patch(t, text, operations)
	got, err := Edit([]byte(text), ops, meaning)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("got:\n%s\nwant:\n%s", got, want)
	}
	return string(got)
}

func TestEditRefuses(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, patch, want string }{
		"a value that an alias repeats": {
			"a: &x {b: 1}\nc: *x\n",
			`[{"op":"add","path":"/a/d","value":1}]`,
			"line 1: cannot change the value of the anchor &x, because line 2 repeats it with *x: write the value out there",
		},
		"a scalar that an alias repeats": {
			"a: &x b\nc: *x\n",
			`[{"op":"replace","path":"/a","value":1}]`,
			"line 1: cannot change the value of the anchor &x, because line 2 repeats it with *x: write the value out there",
		},
		"to remove what a merge key brings": {
			"a: &x {b: 1}\nc: {<<: *x, d: 2}\n",
			`[{"op":"remove","path":"/c/b"}]`,
			"failed to edit the document without changing what it means",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ops, want := patch(t, c.text, c.patch)
			if got, err := Edit([]byte(c.text), ops, want); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, error %v, want %q", got, err, c.want)
			}
		})
	}
}

// patch reads operations, and applies them to what the text means.
func patch(t *testing.T, text, patch string) (ops []operations.Operation, want []byte) {
	t.Helper()
	have, err := kyaml.YAMLToJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonpatch.DecodePatch([]byte(patch))
	if err != nil {
		t.Fatal(err)
	}
	if want, err = decoded.Apply(have); err != nil {
		t.Fatal(err)
	}
	for _, op := range decoded {
		path, err := op.Path()
		if err != nil {
			t.Fatal(err)
		}
		ops = append(ops, operations.NewOperation(op.Kind(), path, op["value"]))
	}
	return ops, want
}
