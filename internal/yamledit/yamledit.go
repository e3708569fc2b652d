// Package yamledit gives a YAML document another value by changing only the places in its text that have to change. All
// else stays byte for byte as its author wrote it: comments, blank lines, indentation, quoting, the order of keys.
package yamledit

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"

	yaml "go.yaml.in/yaml/v3"
	kyaml "sigs.k8s.io/yaml"
)

// errLayout marks a layout that cannot be edited as text: the document is then written anew from its nodes.
var errLayout = errors.New("the layout cannot be edited in place")

// Edit returns the text changed so that it means want. Both values are JSON: have is what the text means now. The result
// has been read again and compared, so it never means anything else.
func Edit(text, have, want []byte) ([]byte, error) {
	was, err := decode(have)
	if err != nil {
		return nil, err
	}
	to, err := decode(want)
	if err != nil {
		return nil, err
	}
	root, err := parse(text)
	if err != nil {
		return nil, err
	}
	edited, err := editText(text, root, was, to)
	if err == nil {
		err = verify(edited, to)
	}
	var shared *SharedAnchorError
	if err == nil || errors.As(err, &shared) {
		return edited, err
	}
	return rewrite(text, root, was, to)
}

// FromJSON writes a JSON value as YAML, keys in their order and numbers as they are.
func FromJSON(data []byte) ([]byte, error) {
	v, err := decode(data)
	if err != nil {
		return nil, err
	}
	text := []byte(style{step: 2, item: 2, eol: "\n"}.block(v))
	if err := verify(text, v); err != nil {
		return nil, fmt.Errorf("failed to write as YAML: %w", err)
	}
	return text, nil
}

func parse(text []byte) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("failed to parse: %w", err)
	}
	if len(doc.Content) != 1 {
		return nil, errors.New("the document is empty")
	}
	return &doc, nil
}

func editText(text []byte, doc *yaml.Node, have, want any) ([]byte, error) {
	e := newEditor(text, doc)
	if err := e.visit(doc.Content[0], have, want); err != nil {
		return nil, err
	}
	return e.apply()
}

// rewrite is the way out for odd layouts: comments and the order of keys survive, blank lines and indentation may not.
func rewrite(text []byte, doc *yaml.Node, have, want any) ([]byte, error) {
	src := newSource(text)
	style := detectStyle(doc, src.eol)
	var buf bytes.Buffer
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(style.step)
	if style.seq == 0 {
		enc.CompactSeqIndent()
	}
	if err := encode(enc, style.remake(doc.Content[0], have, want)); err != nil {
		return nil, err
	}
	edited := buf.Bytes()
	if src.eol != "\n" {
		edited = bytes.ReplaceAll(edited, []byte("\n"), []byte(src.eol))
	}
	if bytes.HasPrefix(text, []byte("---")) {
		edited = append([]byte("---"+src.eol), edited...)
	}
	if err := verify(edited, want); err != nil {
		return nil, fmt.Errorf("failed to edit the document without changing what it means: %w", err)
	}
	return edited, nil
}

func encode(enc *yaml.Encoder, node *yaml.Node) error {
	if err := enc.Encode(node); err != nil {
		return fmt.Errorf("failed to encode: %w", err)
	}
	if err := enc.Close(); err != nil {
		return fmt.Errorf("failed to encode: %w", err)
	}
	return nil
}

// verify reads the text as kubectl does, not as this package does.
func verify(text []byte, want any) error {
	data, err := kyaml.YAMLToJSON(text)
	if err != nil {
		return fmt.Errorf("failed to read again: %w", err)
	}
	got, err := decode(data)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(unordered(got), unordered(want)) {
		return errLayout
	}
	return nil
}
