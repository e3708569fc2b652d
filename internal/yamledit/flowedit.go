package yamledit

import (
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// flowItem is the text of an item of a flow collection.
func (e *editor) flowItem(n *yaml.Node, i int) (span, bool) {
	items := scanFlow(e.text, e.start(n)).items
	if i >= len(items) {
		return span{}, false
	}
	return items[i], true
}

func (e *editor) addFlow(n *yaml.Node, entries object) error {
	texts := make([]string, len(entries))
	for i, m := range entries {
		texts[i] = marshal(m.key) + ": " + marshal(m.value)
	}
	return e.appendFlow(n, texts)
}

func (e *editor) appendFlow(n *yaml.Node, texts []string) error {
	f := scanFlow(e.text, e.start(n))
	joined := strings.Join(texts, ", ")
	if len(f.items) == 0 {
		e.replace(span{f.start + 1, f.start + 1}, joined)
		return nil
	}
	end := f.items[len(f.items)-1].end
	e.replace(span{end, end}, ", "+joined)
	return nil
}

// removeFlow takes items out with the comma before them, or behind the first.
func (e *editor) removeFlow(n *yaml.Node, positions []int) error {
	items := scanFlow(e.text, e.start(n)).items
	for _, i := range positions {
		switch {
		case i >= len(items):
			return errLayout
		case i > 0:
			e.replace(span{items[i-1].end, items[i].end}, "")
		case len(items) > 1:
			e.replace(span{items[0].start, items[1].start}, "")
		default:
			e.replace(items[0], "")
		}
	}
	return nil
}

func (e *editor) alignFlow(n *yaml.Node, a alignment) error {
	if err := e.removeFlow(n, a.removed); err != nil {
		return err
	}
	for _, i := range sortedKeys(a.inserted) {
		texts := make([]string, len(a.inserted[i]))
		for k, v := range a.inserted[i] {
			texts[k] = marshal(v)
		}
		if i == len(n.Content) {
			if err := e.appendFlow(n, texts); err != nil {
				return err
			}
			continue
		}
		item, ok := e.flowItem(n, i)
		if !ok {
			return errLayout
		}
		e.replace(span{item.start, item.start}, strings.Join(texts, ", ")+", ")
	}
	return nil
}
