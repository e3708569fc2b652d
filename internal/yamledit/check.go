package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	yaml "go.yaml.in/yaml/v3"
)

// CheckEnd refuses text after a document in flow style, because readers of one document do not look further.
func CheckEnd(text []byte) error {
	at := skip(text, 0)
	if bytes.HasPrefix(text[at:], []byte("---")) {
		at = skip(text, at+len("---"))
	}
	if at == len(text) || text[at] != '{' {
		return nil
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc yaml.Node
		if err := decoder.Decode(&doc); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("failed to parse: %w", err)
		}
	}
}

// CheckKeys refuses keys that a mapping has twice.
func CheckKeys(text []byte) error {
	doc, err := parse(text)
	if err != nil {
		return err
	}
	return checkKeys(doc)
}

func checkKeys(n *yaml.Node) error {
	lines := map[string]int{}
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 0 && child.Kind == yaml.ScalarNode {
			if first, twice := lines[child.Value]; twice {
				return fmt.Errorf("line %d: duplicate key %q, first set in line %d", child.Line, child.Value, first)
			}
			lines[child.Value] = child.Line
		}
		if err := checkKeys(child); err != nil {
			return err
		}
	}
	return nil
}
