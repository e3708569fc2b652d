package yamledit

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"
	operations "gomodules.xyz/jsonpatch/v2"
)

// SharedAnchorError is about a place to change that an alias repeats elsewhere, so one edit would change both.
type SharedAnchorError struct {
	Anchor string
	Line   int
	Alias  int
}

func (e *SharedAnchorError) Error() string {
	return fmt.Sprintf("line %d: cannot change the value of the anchor &%s, because line %d repeats it with *%s: write the value out there",
		e.Line, e.Anchor, e.Alias, e.Anchor)
}

// tree is a document whose nodes are patched. It keeps what the patched collections held, because only the difference is written into the
// text. Nodes that come from a patch have no line.
type tree struct {
	doc     *yaml.Node
	aliases map[*yaml.Node]*yaml.Node // an alias, by the node that it repeats
	before  map[*yaml.Node][]*yaml.Node
}

func newTree(doc *yaml.Node) *tree {
	t := &tree{doc: doc, aliases: map[*yaml.Node]*yaml.Node{}, before: map[*yaml.Node][]*yaml.Node{}}
	t.index(doc)
	return t
}

func (t *tree) index(n *yaml.Node) {
	if n.Kind == yaml.AliasNode {
		t.aliases[n.Alias] = n
	}
	for _, child := range n.Content {
		t.index(child)
	}
}

// held is what a collection held before.
func (t *tree) held(n *yaml.Node) []*yaml.Node {
	if held, patched := t.before[n]; patched {
		return held
	}
	return n.Content
}

func (t *tree) keep(n *yaml.Node) {
	if _, kept := t.before[n]; !kept {
		t.before[n] = slices.Clone(n.Content)
	}
}

func (t *tree) patch(ops []operations.Operation) error {
	for _, op := range ops {
		steps := strings.Split(op.Path, "/")[1:]
		n := t.doc.Content[0]
		for len(steps) > 1 {
			child, err := t.child(n, unescape.Replace(steps[0]))
			if err != nil {
				return err
			}
			n, steps = child, steps[1:]
		}
		if err := t.perform(n, unescape.Replace(steps[0]), op); err != nil {
			return err
		}
	}
	t.foldCopies(t.doc, map[string]*yaml.Node{})
	return nil
}

// unescape undoes the escapes of a JSON pointer (RFC 6901).
var unescape = strings.NewReplacer("~1", "/", "~0", "~")

// child is the node below another one. If it comes from an alias or a merge key, it is written out, so it can be patched.
func (t *tree) child(n *yaml.Node, step string) (*yaml.Node, error) {
	at := position(n, step)
	if at < 0 {
		repeated := merged(n, step)
		if repeated == nil {
			return nil, errPath(step)
		}
		t.keep(n)
		made := copyOf(repeated)
		made.Anchor = mergedCopy
		n.Content = append(n.Content, newString(step), made)
		return n.Content[len(n.Content)-1], nil
	}
	if at == len(n.Content) {
		return nil, errPath(step)
	}
	if alias := n.Content[at]; alias.Kind == yaml.AliasNode {
		t.keep(n)
		n.Content[at] = markedCopy(alias)
	}
	return n.Content[at], t.checkShared(n.Content[at])
}

func errPath(step string) error {
	return fmt.Errorf("failed to edit the document without changing what it means: %q is not written there", step)
}

func (t *tree) checkShared(n *yaml.Node) error {
	if alias := t.aliases[n]; alias != nil {
		return &SharedAnchorError{Anchor: n.Anchor, Line: n.Line, Alias: alias.Line}
	}
	return nil
}

// position of an item or of a key's value among a collection's nodes: -1 if it is not written there itself, and their number for the end of
// a sequence.
func position(n *yaml.Node, step string) int {
	if n.Kind == yaml.SequenceNode {
		at, err := strconv.Atoi(step)
		switch {
		case step == "-":
			return len(n.Content)
		case err != nil || at > len(n.Content):
			return -1
		}
		return at
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if key := n.Content[i]; key.Kind == yaml.ScalarNode && key.Value == step {
			return i + 1
		}
	}
	return -1
}

// merged is the value that a merge key (<<) brings.
func merged(n *yaml.Node, key string) *yaml.Node {
	if n.Kind != yaml.MappingNode {
		return nil
	}
	at := position(n, "<<")
	if at < 0 {
		return nil
	}
	sources := []*yaml.Node{n.Content[at]}
	if sources[0].Kind == yaml.SequenceNode {
		sources = sources[0].Content
	}
	for _, source := range sources {
		if source.Kind == yaml.AliasNode {
			source = source.Alias
		}
		if at := position(source, key); at >= 0 && source.Kind == yaml.MappingNode {
			return source.Content[at]
		}
		if found := merged(source, key); found != nil {
			return found
		}
	}
	return nil
}

// perform performs an operation on an item or entry of a node.
func (t *tree) perform(n *yaml.Node, step string, op operations.Operation) error {
	at := position(n, step)
	present := at >= 0 && at < len(n.Content)
	if present {
		if err := t.checkShared(n.Content[at]); err != nil {
			return err
		}
	}
	t.keep(n)
	if op.Operation == "remove" {
		if !present {
			return errPath(step)
		}
		n.Content = slices.Delete(n.Content, at-width(n)+1, at+1)
		return nil
	}
	value, err := encoded(op.Value)
	switch {
	case err != nil:
		return err
	case n.Kind == yaml.MappingNode && at < 0:
		n.Content = append(n.Content, newString(step), value)
	case n.Kind == yaml.MappingNode || op.Operation == "replace":
		n.Content[at] = value
	default:
		n.Content = slices.Insert(n.Content, at, value)
	}
	return nil
}

// width is the number of nodes of each entry or item.
func width(n *yaml.Node) int {
	if n.Kind == yaml.MappingNode {
		return 2
	}
	return 1
}
