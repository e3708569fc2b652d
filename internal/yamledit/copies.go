package yamledit

import (
	"reflect"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// A value that comes from an alias or a merge key is written out where a patch changes it. An anchor marks such a copy, so the alias comes
// back once the copy is again what it was made of: &pcp-copy-of-labels was *labels, and &pcp-merged came from a merge key.
const (
	copied     = "pcp-copy-of-"
	mergedCopy = "pcp-merged"
)

func isMark(anchor string) bool { return anchor == mergedCopy || strings.HasPrefix(anchor, copied) }

// markedCopy is a copy of what an alias repeats.
func markedCopy(alias *yaml.Node) *yaml.Node {
	made := copyOf(alias.Alias)
	made.Anchor = copied + alias.Value
	return made
}

// foldCopies replaces copies that are what they were made of, the inner ones first.
func (t *tree) foldCopies(n *yaml.Node, anchors map[string]*yaml.Node) {
	if n.Anchor != "" {
		anchors[n.Anchor] = n
	}
	for i := 0; i < len(n.Content); i++ {
		child := n.Content[i]
		t.foldCopies(child, anchors)
		source, isCopy := strings.CutPrefix(child.Anchor, copied)
		switch {
		case isCopy && same(child, anchors[source]):
			t.keep(n)
			n.Content[i] = &yaml.Node{Kind: yaml.AliasNode, Value: source, Alias: anchors[source]}
		case child.Anchor == mergedCopy && n.Kind == yaml.MappingNode && i%2 == 1 && same(child, merged(n, n.Content[i-1].Value)):
			t.keep(n)
			n.Content = slices.Delete(n.Content, i-1, i+1)
			i -= 2
		}
	}
}

// same compares what two nodes mean.
func same(a, b *yaml.Node) bool {
	if a == nil || b == nil {
		return false
	}
	var one, other any
	return a.Decode(&one) == nil && b.Decode(&other) == nil && reflect.DeepEqual(one, other)
}
