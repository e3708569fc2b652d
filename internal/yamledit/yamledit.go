// Package yamledit applies a JSON patch to the text of a YAML document. It changes only the places that the operations name. Everything
// else stays byte for byte as its author wrote it: comments, blank lines, indentation, quoting, the order of keys.
package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	yaml "go.yaml.in/yaml/v3"
	operations "gomodules.xyz/jsonpatch/v2"
	kyaml "sigs.k8s.io/yaml"
)

// errLayout marks a layout that cannot be edited as text: the document is then rewritten from its nodes.
var errLayout = errors.New("the layout cannot be edited in place")

// Edit returns the text after the operations (RFC 6902). The values of the operations are encoded as JSON. Want is the patched document as
// JSON: the result is read again and compared with it, so it never means anything else.
func Edit(text []byte, ops []operations.Operation, want []byte) ([]byte, error) {
	bare, breaks := unixBreaks(text)
	doc, err := parse(bare)
	if err != nil {
		return nil, err
	}
	e := newEditor(bare, doc)
	if err := e.patch(ops); err != nil {
		return nil, err
	}
	edited, err := e.apply()
	if err == nil {
		err = verify(edited, want)
	}
	if err != nil {
		edited, err = e.rewrite(want)
	}
	return bytes.ReplaceAll(edited, []byte("\n"), []byte(breaks)), err
}

// FromJSON writes a JSON value as YAML, keys in their order and numbers as they are.
func FromJSON(data []byte) ([]byte, error) {
	value, err := fromJSON(data)
	if err != nil {
		return nil, err
	}
	text := []byte(style{step: 2, item: 2}.document(value))
	if err := verify(text, data); err != nil {
		return nil, fmt.Errorf("failed to write as YAML: %w", err)
	}
	return text, nil
}

// unixBreaks returns the text with LF for its line breaks, and the original ones if all of them are CRLF or all are CR.
func unixBreaks(text []byte) (bare []byte, were string) {
	lf, cr, pairs := bytes.Count(text, []byte("\n")), bytes.Count(text, []byte("\r")), bytes.Count(text, []byte("\r\n"))
	switch {
	case cr == 0 || cr != pairs && lf > 0 || cr == pairs && lf != pairs:
		return text, "\n"
	case pairs > 0:
		were = "\r\n"
	default:
		were = "\r"
	}
	return bytes.ReplaceAll(text, []byte(were), []byte("\n")), were
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

// rewrite is the fallback for odd layouts: comments and the order of keys survive, but blank lines and indentation may not.
func (e *editor) rewrite(want []byte) ([]byte, error) {
	var buf bytes.Buffer
	if bytes.HasPrefix(e.text, []byte("---")) {
		buf.WriteString("---\n")
	}
	enc := yaml.NewEncoder(&buf)
	enc.SetIndent(e.style.step)
	if e.style.seq == 0 {
		enc.CompactSeqIndent()
	}
	if err := errors.Join(enc.Encode(e.doc), enc.Close()); err != nil {
		return nil, fmt.Errorf("failed to encode: %w", err)
	}
	if err := verify(buf.Bytes(), want); err != nil {
		return nil, fmt.Errorf("failed to edit the document without changing what it means: %w", err)
	}
	return buf.Bytes(), nil
}

// verify reads the text as kubectl does, not as this package does.
func verify(text, want []byte) error {
	data, err := kyaml.YAMLToJSON(text)
	if err != nil {
		return fmt.Errorf("failed to read again: %w", err)
	}
	var got, to any
	if err := errors.Join(json.Unmarshal(data, &got), json.Unmarshal(want, &to)); err != nil {
		return fmt.Errorf("failed to decode JSON: %w", err)
	}
	if !reflect.DeepEqual(got, to) {
		return errLayout
	}
	return nil
}
