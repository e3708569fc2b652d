package yamledit

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

func (e *editor) addEntries(n *yaml.Node, entries object) error {
	if len(entries) == 0 {
		return nil
	}
	if flowStyle(n) {
		return e.addFlow(n, entries)
	}
	column := e.mappingColumn(n)
	w := writer{style: e.style}
	w.mapping(entries, column, false)
	last := e.line(e.end(n, column))
	e.insertLines(e.comments(last, column), w.String())
	return nil
}

func (e *editor) removeEntry(n *yaml.Node, at int) error {
	if flowStyle(n) {
		return e.removeFlow(n, []int{at / 2})
	}
	start := e.offset(n.Content[at].Line, n.Content[at].Column)
	if !e.fresh(start) {
		return errLayout
	}
	e.removeLines(e.line(start), e.line(e.end(n.Content[at+1], e.mappingColumn(n))))
	return nil
}

// replaceValue writes another value behind a key. A comment behind the old one stays in its line.
func (e *editor) replaceValue(n *yaml.Node, at int, want any) error {
	column := e.mappingColumn(n)
	colon := e.colon(n.Content[at])
	if colon < 0 {
		return errLayout
	}
	value := n.Content[at+1]
	end := e.end(value, column)
	inline, lines := e.style.value(want, column)
	if block(value) {
		e.removeLines(e.line(e.start(value)), e.line(end))
		e.replace(span{colon, colon}, inline)
	} else {
		e.replace(span{colon, max(colon, end)}, inline)
	}
	if lines != "" {
		e.insertLines(e.line(end), lines)
	}
	return nil
}

func block(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && !flowStyle(n)
}

// colon is the offset behind a key's colon, -1 where the key is not a simple one.
func (e *editor) colon(key *yaml.Node) int {
	at := e.start(key)
	if key.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
		at = quotedEnd(e.text, at)
	} else {
		at += len(key.Value)
	}
	for at < len(e.text) && (e.text[at] == ' ' || e.text[at] == '\t') {
		at++
	}
	if at >= len(e.text) || e.text[at] != ':' {
		return -1
	}
	return at + 1
}

func (e *editor) alignBlock(n *yaml.Node, a alignment) error {
	column := e.sequenceColumn(n)
	for _, i := range a.removed {
		first, ok := e.dash(n, i, column)
		if !ok {
			return errLayout
		}
		e.removeLines(first, e.line(e.end(n.Content[i], column)))
	}
	for _, i := range sortedKeys(a.inserted) {
		w := writer{style: e.style}
		w.sequence(a.inserted[i], column)
		if !e.insertItems(n, i, column, w.String()) {
			return errLayout
		}
	}
	return nil
}

func sortedKeys(m map[int][]any) []int {
	keys := make([]int, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// insertItems puts items before the one at position i, above the comments that belong to it, or behind the last.
func (e *editor) insertItems(n *yaml.Node, i, column int, lines string) bool {
	if i == len(n.Content) {
		last := e.line(e.end(n, column))
		e.insertLines(e.comments(last, max(column, e.outer(n)+1)), lines)
		return true
	}
	line, ok := e.dash(n, i, column)
	for ok && line > 0 && e.comment(line-1) && e.indent(line-1) == column {
		line--
	}
	e.replace(span{e.starts[line], e.starts[line]}, lines)
	return ok
}

// outer is the column of a sequence's key: where the dashes stand right below it, a comment in that column belongs to the
// next key.
func (e *editor) outer(n *yaml.Node) int {
	if key := e.keys[n]; key != nil {
		return e.column(e.offset(key.Line, key.Column))
	}
	return -1
}

// dash is the line of an item's dash, which has to be the first in its line.
func (e *editor) dash(n *yaml.Node, i, column int) (int, bool) {
	first := e.line(e.start(n))
	for line := e.line(e.offset(n.Content[i].Line, n.Content[i].Column)); line >= first; line-- {
		text := e.lineText(line)
		if e.indent(line) == column && strings.HasPrefix(text[column:], "-") {
			return line, true
		}
	}
	return 0, false
}
