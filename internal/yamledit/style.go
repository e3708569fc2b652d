package yamledit

import yaml "go.yaml.in/yaml/v3"

// style is how a document indents, so that what is added looks like what is there.
type style struct {
	step int // a mapping inside a mapping
	seq  int // a sequence's dashes inside a mapping
	item int // an item's text behind its dash
	eol  string
}

// detectStyle takes the first example of each kind; where a document has none, kubectl's style.
func detectStyle(doc *yaml.Node, eol string) style {
	found := examples{step: -1, seq: -1, item: -1}
	found.find(doc)
	return style{
		step: firstOf(found.step, 2),
		seq:  firstOf(found.seq, 0),
		item: firstOf(found.item, 2),
		eol:  eol,
	}
}

// examples of indentation in a document, -1 where there is none.
type examples struct{ step, seq, item int }

func (e *examples) find(n *yaml.Node) {
	if flowStyle(n) && n.Kind != yaml.DocumentNode {
		return
	}
	for i, child := range n.Content {
		switch {
		case n.Kind == yaml.MappingNode && i%2 == 1:
			e.findInValue(n.Content[i-1], child)
		case n.Kind == yaml.SequenceNode && child.Line == n.Line && child.Column > n.Column && child.Anchor == "" && n.Anchor == "":
			e.item = firstOf(e.item, child.Column-n.Column)
		}
		e.find(child)
	}
}

func (e *examples) findInValue(key, value *yaml.Node) {
	if flowStyle(value) || value.Anchor != "" || value.Line == key.Line {
		return
	}
	switch value.Kind {
	case yaml.MappingNode:
		if value.Column > key.Column {
			e.step = firstOf(e.step, value.Column-key.Column)
		}
	case yaml.SequenceNode:
		e.seq = firstOf(e.seq, value.Column-key.Column)
	case yaml.DocumentNode, yaml.ScalarNode, yaml.AliasNode:
	}
}

func firstOf(known, found int) int {
	if known < 0 {
		return found
	}
	return known
}
