package yamledit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// encoded is the node for a Go value.
func encoded(value any) (*yaml.Node, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("failed to encode: %w", err)
	}
	return fromJSON(data)
}

// fromJSON is the node for a JSON value, with keys in their order and numbers as they are.
func fromJSON(data []byte) (*yaml.Node, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return decode(dec)
}

func decode(dec *json.Decoder) (*yaml.Node, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("failed to decode JSON: %w", err)
	}
	switch token := token.(type) {
	case json.Delim:
		n := &yaml.Node{Kind: yaml.SequenceNode}
		if token == '{' {
			n.Kind = yaml.MappingNode
		}
		for dec.More() {
			child, err := decode(dec)
			if err != nil {
				return nil, err
			}
			n.Content = append(n.Content, child)
		}
		if _, err := dec.Token(); err != nil {
			return nil, fmt.Errorf("failed to decode JSON: %w", err)
		}
		return n, nil
	case string:
		return newString(token), nil
	case nil:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: "null"}, nil
	default:
		return &yaml.Node{Kind: yaml.ScalarNode, Value: fmt.Sprint(token)}, nil
	}
}

// newString leaves quotes to the encoder, which knows what other readers take for a number or a boolean.
func newString(text string) *yaml.Node {
	var n yaml.Node
	if err := n.Encode(text); err != nil || n.Value != text {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Style: yaml.DoubleQuotedStyle, Value: text}
	}
	return &n
}

// copyOf is a node to be written elsewhere: without its place, comments and its author's anchors, in block style.
func copyOf(n *yaml.Node) *yaml.Node {
	made := &yaml.Node{Kind: n.Kind, Style: n.Style &^ yaml.FlowStyle, Tag: n.Tag, Value: n.Value, Alias: n.Alias}
	if isMark(n.Anchor) {
		made.Anchor = n.Anchor
	}
	for _, child := range n.Content {
		made.Content = append(made.Content, copyOf(child))
	}
	return made
}

// style is how a document indents: additions must look like the rest.
type style struct {
	step int // a mapping inside a mapping
	seq  int // a sequence's dashes inside a mapping
	item int // an item's text after its dash
}

// detectStyle takes the first example of each kind, and kubectl's style if a document has none.
func detectStyle(doc *yaml.Node) style {
	found := style{step: -1, seq: -1, item: -1}.find(doc.Content[0])
	return style{step: firstOf(found.step, 2), seq: firstOf(found.seq, 0), item: firstOf(found.item, 2)}
}

func (s style) find(n *yaml.Node) style {
	for i, child := range n.Content {
		switch {
		case child.Style&yaml.FlowStyle != 0:
			continue
		case n.Kind == yaml.MappingNode && i%2 == 1:
			s = s.findInValue(n.Content[i-1], child)
		case n.Kind == yaml.SequenceNode && child.Line == n.Line && child.Anchor == "" && n.Anchor == "":
			s.item = firstOf(s.item, child.Column-n.Column)
		}
		s = s.find(child)
	}
	return s
}

func (s style) findInValue(key, value *yaml.Node) style {
	switch {
	case len(value.Content) == 0 || value.Anchor != "" || value.Line == key.Line:
	case value.Kind == yaml.SequenceNode:
		s.seq = firstOf(s.seq, value.Column-key.Column)
	case value.Column > key.Column:
		s.step = firstOf(s.step, value.Column-key.Column)
	}
	return s
}

func firstOf(known, found int) int {
	if known < 0 {
		return found
	}
	return known
}

// document is the text of a value at the left edge.
func (s style) document(n *yaml.Node) string {
	switch {
	case len(n.Content) == 0:
		return s.scalar(n, 0) + "\n"
	case n.Kind == yaml.MappingNode:
		return s.mapping(n, 0)
	default:
		return s.sequence(n, 0)
	}
}

func (s style) mapping(n *yaml.Node, column int) string {
	var text strings.Builder
	for i := 0; i < len(n.Content); i += 2 {
		text.WriteString(pad(column) + oneLine(n.Content[i]) + ":" + s.value(n.Content[i+1], column))
	}
	return text.String()
}

// value is what follows the colon of a key in a column.
func (s style) value(n *yaml.Node, column int) string {
	switch {
	case len(n.Content) == 0:
		return " " + s.scalar(n, column+s.step) + "\n"
	case n.Kind == yaml.MappingNode:
		return mark(n) + "\n" + s.mapping(n, column+s.step)
	default:
		return mark(n) + "\n" + s.sequence(n, column+s.seq)
	}
}

// mark is the anchor of a copy of a collection, after a space; empty for all others.
func mark(n *yaml.Node) string {
	if n.Anchor == "" || len(n.Content) == 0 {
		return ""
	}
	return " &" + n.Anchor
}

func (s style) sequence(n *yaml.Node, column int) string {
	var text strings.Builder
	for _, item := range n.Content {
		lines := pad(column+len("- ")) + s.scalar(item, column+s.step) + "\n"
		switch {
		case len(item.Content) == 0:
		case item.Kind == yaml.MappingNode:
			lines = s.mapping(item, column+s.item)
		default:
			lines = s.sequence(item, column+s.item)
		}
		if mark(item) == "" {
			lines = lines[column+1:]
		} else {
			lines = mark(item) + "\n" + lines
		}
		text.WriteString(pad(column) + "-" + lines)
	}
	return text.String()
}

func pad(n int) string {
	return strings.Repeat(" ", n)
}

// scalar is the text of a scalar or of an empty collection. Its further lines, if any, start in the given column.
func (s style) scalar(n *yaml.Node, column int) string {
	text := marshal(copyOf(n))
	header, lines, several := strings.Cut(text, "\n")
	if !several || header != "|" && header != "|-" || strings.ContainsAny(text, otherBreaks) {
		return oneLine(n)
	}
	const indentation = "    " // that of the encoder
	text = header
	for line := range strings.SplitSeq(lines, "\n") {
		if line != "" {
			line = pad(column) + strings.TrimPrefix(line, indentation)
		}
		text += "\n" + line
	}
	return text
}

// oneLine is the text of a node in flow style, or of a scalar.
func oneLine(n *yaml.Node) string {
	made := copyOf(n)
	if len(n.Content) > 0 {
		made.Style |= yaml.FlowStyle
	}
	text := marshal(made)
	if strings.ContainsAny(text, "\n"+otherBreaks) {
		made.Style = yaml.DoubleQuotedStyle
		text = marshal(made)
	}
	return text
}

func marshal(n *yaml.Node) string {
	data, err := yaml.Marshal(n)
	if err != nil {
		return n.Value // verify checks what it means
	}
	return strings.TrimSuffix(string(data), "\n")
}
