package yamledit

import (
	"bytes"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// editor writes the patched nodes of a document into its text.
type editor struct {
	*tree
	*source
	style style
	edits []edit
	// unended: the last line of the text has no line break, and must not get one.
	unended bool
}

// edit replaces a span of the text.
type edit struct {
	start, end int
	text       string
}

func newEditor(text []byte, doc *yaml.Node) *editor {
	e := &editor{tree: newTree(doc), style: detectStyle(doc), unended: !bytes.HasSuffix(text, []byte("\n"))}
	if e.unended {
		text = append(bytes.Clone(text), '\n')
	}
	e.source = newSource(text)
	return e
}

func (e *editor) replace(start, end int, text string) {
	e.edits = append(e.edits, edit{start, end, text})
}

// insert inserts whole lines after a line.
func (e *editor) insert(line int, lines string) {
	e.replace(e.starts[line+1], e.starts[line+1], lines)
}

func (e *editor) removeLines(first, last int) {
	e.replace(e.starts[first], e.starts[last+1], "")
}

// apply returns the edited text. Edits at one place stay in their order, so the text of an inner collection comes before that of the one
// around it.
func (e *editor) apply() ([]byte, error) {
	if hasOtherBreaks(e.text) {
		return nil, errLayout
	}
	if err := e.collection(e.doc.Content[0], -1); err != nil {
		return nil, err
	}
	slices.SortStableFunc(e.edits, func(a, b edit) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return min(a.end-a.start, 1) - min(b.end-b.start, 1)
	})
	var out bytes.Buffer
	at := 0
	for _, edit := range e.edits {
		if edit.start < at || edit.end < edit.start {
			return nil, errLayout
		}
		out.Write(e.text[at:edit.start])
		out.WriteString(edit.text)
		at = edit.end
	}
	out.Write(e.text[at:])
	if e.unended {
		return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
	}
	return out.Bytes(), nil
}

// collection writes what was patched in a collection and in those inside it. outer is the column of the one around it.
func (e *editor) collection(n *yaml.Node, outer int) error {
	held, w := e.held(n), width(n)
	_, patched := e.before[n]
	if len(held) == 0 || !patched && len(n.Content) == 0 {
		return layoutIf(!patched)
	}
	column := e.columnOf(n)
	var removed []int
	for i := 0; i < len(held); i += w {
		at := i
		if patched {
			at = slices.Index(n.Content, held[i])
		}
		var err error
		switch {
		case at < 0:
			removed = append(removed, i)
		case e.anew(held[i+w-1], n.Content[at+w-1]):
			err = e.replaceValue(n, i, n.Content[at+w-1])
		default:
			err = e.collection(n.Content[at+w-1], column)
		}
		if err != nil {
			return err
		}
	}
	if err := e.remove(n, removed); err != nil {
		return err
	}
	return e.add(n, max(column, outer+1))
}

func layoutIf(ok bool) error {
	if !ok {
		return errLayout
	}
	return nil
}

// anew reports whether to write a value as a whole, because an empty collection has no line after which to add others.
func (e *editor) anew(old, now *yaml.Node) bool {
	held, patched := e.before[now]
	return old != now || patched && (len(held) == 0 || len(now.Content) == 0)
}

func (e *editor) replaceValue(n *yaml.Node, i int, value *yaml.Node) error {
	held := e.held(n)
	old := held[i+width(n)-1]
	if flow(n) {
		e.replace(e.offset(old), e.end(old), oneLine(value))
		return nil
	}
	colon := e.colon(held[i])
	if n.Kind != yaml.MappingNode || colon < 0 {
		return errLayout
	}
	end := max(colon, e.end(old))
	// A comment after the old value stays on its line.
	inline, lines, _ := strings.Cut(e.style.value(value, e.columnOf(n)), "\n")
	marked := isMark(old.Anchor) && value.Kind == yaml.AliasNode
	switch {
	case old.Kind == yaml.AliasNode && isMark(value.Anchor): // with the spaces before it
		e.replace(e.offset(old), end, strings.TrimPrefix(inline, " "))
	case marked && !flow(old):
		e.removeLines(e.line(e.start(old)), e.line(end))
		e.replace(e.offset(old), e.offset(old)+len("&"+old.Anchor), strings.TrimPrefix(inline, " "))
		return nil
	case len(e.held(old)) > 0 && !flow(old):
		e.removeLines(e.line(e.start(old)), e.line(end))
		e.replace(colon, colon, inline)
	default:
		e.replace(colon, end, inline)
	}
	e.insert(e.line(end), lines)
	return nil
}

func (e *editor) remove(n *yaml.Node, entries []int) error {
	held, w := e.held(n), width(n)
	for _, i := range entries {
		start, end := e.offset(held[i]), e.entryEnd(held[i:i+w])
		switch {
		case flow(n) && i > 0:
			e.replace(e.entryEnd(held[i-w:i]), end, "")
		case flow(n) && len(held) > w:
			e.replace(start, e.offset(held[w]), "")
		case n.Kind == yaml.SequenceNode:
			line, ok := e.dash(n, held[i])
			if !ok {
				return errLayout
			}
			e.removeLines(line, e.line(end))
		case e.indent(e.line(start)) == e.column(start):
			e.removeLines(e.line(start), e.line(end))
		default:
			return errLayout
		}
	}
	return nil
}

// dash is the line of an item's dash, which must come first on its line.
func (e *editor) dash(n, item *yaml.Node) (int, bool) {
	column, first := e.columnOf(n), e.line(e.start(n))
	for line := e.line(e.offset(item)); line >= first; line-- {
		if e.indent(line) == column && strings.HasPrefix(e.lineText(line)[column:], "-") {
			return line, true
		}
	}
	return 0, false
}

// add writes what a patch has appended. Comments below the last entry belong to it if they are indented by least columns or more.
func (e *editor) add(n *yaml.Node, least int) error {
	w := width(n)
	fresh := func(i int) bool { return n.Content[i].Line == 0 }
	first := 0
	for first < len(n.Content) && !fresh(first) {
		first += w
	}
	for i := first; i < len(n.Content); i += w {
		if !fresh(i) {
			return errLayout
		}
	}
	added := &yaml.Node{Kind: n.Kind, Content: n.Content[first:]}
	last := e.entryEnd(e.held(n))
	switch {
	case len(added.Content) == 0:
	case flow(n):
		text := oneLine(added)
		e.replace(last, last, ", "+text[1:len(text)-1])
	case n.Kind == yaml.MappingNode:
		e.insert(e.comments(e.line(last), least), e.style.mapping(added, e.columnOf(n)))
	default:
		e.insert(e.comments(e.line(last), least), e.style.sequence(added, e.columnOf(n)))
	}
	return nil
}

func flow(n *yaml.Node) bool {
	return n.Style&yaml.FlowStyle != 0
}

// columnOf is the column of a collection in block style: of its keys, or of its dashes.
func (e *editor) columnOf(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		return e.column(e.offset(e.held(n)[0]))
	}
	return e.column(e.start(n))
}

// end is where a node's text ends, without the comment and the line break after it.
func (e *editor) end(n *yaml.Node) int {
	held, at := e.held(n), e.start(n)
	switch {
	case n.Kind == yaml.ScalarNode || n.Kind == yaml.AliasNode:
		return e.scalarEnd(n)
	case len(held) == 0:
		return skip(e.text, at+1) + 1
	case flow(n) && strings.IndexByte("[{", e.text[at]) >= 0:
		at = skip(e.text, e.entryEnd(held))
		if at < len(e.text) && e.text[at] == ',' {
			at = skip(e.text, at+1)
		}
		return at + 1
	default:
		return e.entryEnd(held)
	}
}

// entryEnd is where the last of the entries or items ends. The parser does not say where an omitted value is.
func (e *editor) entryEnd(nodes []*yaml.Node) int {
	last := nodes[len(nodes)-1]
	if last.Value != "" || last.Kind != yaml.ScalarNode || last.Style != 0 || last.Anchor != "" || len(nodes) < 2 {
		return e.end(last)
	}
	key := nodes[len(nodes)-2]
	return max(e.colon(key), e.end(key))
}

// colon is the offset after a key's colon, or -1 if the key is not a simple one.
func (e *editor) colon(key *yaml.Node) int {
	at := e.end(key)
	for at < len(e.text) && (e.text[at] == ' ' || e.text[at] == '\t') {
		at++
	}
	if at >= len(e.text) || e.text[at] != ':' {
		return -1
	}
	return at + 1
}
