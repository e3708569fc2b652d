package yamledit

import (
	"reflect"
	"slices"

	yaml "go.yaml.in/yaml/v3"
)

// remake is the node with another value: nodes below it whose value stays are kept, with their comments.
func (s style) remake(n *yaml.Node, have, want any) *yaml.Node {
	if reflect.DeepEqual(have, want) {
		return n
	}
	if descends(n, have, want) {
		switch was := have.(type) {
		case object:
			to, _ := want.(object)
			return s.remakeMapping(n, was, to)
		case list:
			to, _ := want.(list)
			return s.remakeSequence(n, was, to)
		}
	}
	made := s.node(want)
	made.HeadComment, made.LineComment, made.FootComment = n.HeadComment, n.LineComment, n.FootComment
	return made
}

func (s style) remakeMapping(n *yaml.Node, have, want object) *yaml.Node {
	made := *n
	made.Content = nil
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		was, known := have.get(key.Value)
		to, kept := want.get(key.Value)
		switch {
		case known && kept:
			made.Content = append(made.Content, key, s.remake(value, was, to))
		case !known: // a merge key, or a key that is not a string
			made.Content = append(made.Content, key, value)
		}
	}
	for _, m := range added(n, have, want) {
		made.Content = append(made.Content, s.node(m.key), s.node(m.value))
	}
	return &made
}

func (s style) remakeSequence(n *yaml.Node, have, want list) *yaml.Node {
	made := *n
	made.Content = nil
	if len(have) == len(want) {
		for i := range want {
			made.Content = append(made.Content, s.remake(n.Content[i], have[i], want[i]))
		}
		return &made
	}
	a := align(have, want)
	for i := range len(have) + 1 {
		for _, v := range a.inserted[i] {
			made.Content = append(made.Content, s.node(v))
		}
		if i < len(have) && !slices.Contains(a.removed, i) {
			made.Content = append(made.Content, n.Content[i])
		}
	}
	return &made
}

// node is a new node for a value.
func (s style) node(v any) *yaml.Node {
	var doc yaml.Node
	text, ok := v.(string)
	if ok {
		text = plainOrQuoted(text)
	} else {
		text = s.block(v)
	}
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil || len(doc.Content) == 0 {
		return &yaml.Node{Kind: yaml.ScalarNode, Value: text}
	}
	return doc.Content[0]
}
