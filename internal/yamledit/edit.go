package yamledit

import (
	"fmt"
	"reflect"

	yaml "go.yaml.in/yaml/v3"
)

// SharedAnchorError is about a place to change that an alias repeats elsewhere, so that one edit would change both.
type SharedAnchorError struct {
	Anchor string
	Line   int
	Alias  int
}

func (e *SharedAnchorError) Error() string {
	return fmt.Sprintf("line %d: cannot change what the anchor &%s names, since line %d repeats it with *%s: write it out there",
		e.Line, e.Anchor, e.Alias, e.Anchor)
}

// edit replaces a span of the text.
type edit struct {
	span
	text string
}

type editor struct {
	*source
	style   style
	aliases map[*yaml.Node]*yaml.Node // an alias, by the node that it repeats
	keys    map[*yaml.Node]*yaml.Node // a key, by its value
	edits   []edit
	removed []span // lines, from the first to the last
}

func newEditor(text []byte, doc *yaml.Node) *editor {
	src := newSource(text)
	e := &editor{
		source:  src,
		style:   detectStyle(doc, src.eol),
		aliases: map[*yaml.Node]*yaml.Node{},
		keys:    map[*yaml.Node]*yaml.Node{},
	}
	e.index(doc)
	return e
}

func (e *editor) index(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		e.aliases[n.Alias] = n
	}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			e.keys[child] = n.Content[i-1]
		}
		e.index(child)
	}
}

// visit edits a node whose collection stays one.
func (e *editor) visit(n *yaml.Node, have, want any) error {
	if alias := e.aliases[n]; alias != nil {
		return &SharedAnchorError{Anchor: n.Anchor, Line: n.Line, Alias: alias.Line}
	}
	switch to := want.(type) {
	case object:
		if was, ok := have.(object); ok && n.Kind == yaml.MappingNode {
			return e.mapping(n, was, to)
		}
	case list:
		if was, ok := have.(list); ok && n.Kind == yaml.SequenceNode {
			return e.sequence(n, was, to)
		}
	}
	return errLayout
}

// descends tells whether a value is edited inside, rather than replaced as a whole.
func descends(n *yaml.Node, have, want any) bool {
	switch to := want.(type) {
	case object:
		was, ok := have.(object)
		return ok && n.Kind == yaml.MappingNode && len(n.Content) > 0 && len(was) > 0 && len(to) > 0
	case list:
		was, ok := have.(list)
		return ok && n.Kind == yaml.SequenceNode && len(n.Content) > 0 && len(was) > 0 && len(to) > 0
	default:
		return false
	}
}

func (e *editor) mapping(n *yaml.Node, have, want object) error {
	for _, m := range have {
		to, kept := want.get(m.key)
		switch at := find(n, m.key); {
		case kept && reflect.DeepEqual(m.value, to):
		case !kept && at < 0:
			return errLayout // it came by a merge key
		case !kept:
			if err := e.removeEntry(n, at); err != nil {
				return err
			}
		case at >= 0:
			if err := e.changeEntry(n, at, m.value, to); err != nil {
				return err
			}
		}
	}
	return e.addEntries(n, added(n, have, want))
}

// find is the position of a key among a mapping's nodes, -1 where it is not written there itself.
func find(n *yaml.Node, key string) int {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Kind == yaml.ScalarNode && n.Content[i].Value == key {
			return i
		}
	}
	return -1
}

// added are the entries to write that are not there. An entry that came by a merge key (<<) and changes is among them: the
// one that is written wins.
func added(n *yaml.Node, have, want object) object {
	merges := find(n, "<<") >= 0
	var found object
	for _, m := range want {
		was, ok := have.get(m.key)
		if !ok || merges && find(n, m.key) < 0 && !reflect.DeepEqual(was, m.value) {
			found = append(found, m)
		}
	}
	return found
}

func (e *editor) changeEntry(n *yaml.Node, at int, have, want any) error {
	value := n.Content[at+1]
	if value.Kind != yaml.AliasNode && descends(value, have, want) {
		return e.visit(value, have, want)
	}
	if alias := e.aliases[value]; alias != nil {
		return &SharedAnchorError{Anchor: value.Anchor, Line: value.Line, Alias: alias.Line}
	}
	if flowStyle(n) {
		item, ok := e.flowItem(n, at/2)
		e.replace(span{e.offset(value.Line, value.Column), item.end}, marshal(want))
		return layout(ok)
	}
	return e.replaceValue(n, at, want)
}

func layout(ok bool) error {
	if !ok {
		return errLayout
	}
	return nil
}

func (e *editor) sequence(n *yaml.Node, have, want list) error {
	if len(have) == len(want) {
		return e.items(n, have, want)
	}
	if len(n.Content) != len(have) {
		return errLayout
	}
	a := align(have, want)
	if flowStyle(n) {
		return e.alignFlow(n, a)
	}
	return e.alignBlock(n, a)
}

// items edits inside the items of a list that keeps its length, e.g. the workloads of a List.
func (e *editor) items(n *yaml.Node, have, want list) error {
	for i := range have {
		if reflect.DeepEqual(have[i], want[i]) {
			continue
		}
		if i >= len(n.Content) || !descends(n.Content[i], have[i], want[i]) {
			return errLayout
		}
		if err := e.visit(n.Content[i], have[i], want[i]); err != nil {
			return err
		}
	}
	return nil
}

func (e *editor) replace(at span, text string) {
	e.edits = append(e.edits, edit{at, text})
}
