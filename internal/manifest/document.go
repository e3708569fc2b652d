// Package manifest reads Kubernetes manifests as people keep them in files, finds the pod templates in them, and patches
// those without touching anything else.
package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	jsonpatch "github.com/evanphx/json-patch/v5"
	operations "gomodules.xyz/jsonpatch/v2"
	kjson "sigs.k8s.io/json"
	kyaml "sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/internal/yamledit"
)

// Document is one document of a file. Unless it is patched, its text is never changed.
type Document struct {
	// File is the name of the file.
	File string
	// Line where the document starts, from 1.
	Line int

	// lead is a byte order mark, and tail a line "..." that ends the document.
	lead, tail, text []byte
	// data is the document as JSON, or "null" if it contains nothing but comments.
	data   []byte
	isJSON bool
}

// Empty reports whether the document holds no object.
func (d *Document) Empty() bool {
	return bytes.Equal(d.data, []byte("null"))
}

// parse finds out what the text means.
func (d *Document) parse() error {
	if body := bytes.TrimSpace(d.body()); bytes.HasPrefix(body, []byte("{")) && json.Valid(body) {
		d.data, d.isJSON = body, true
		return nil
	}
	data, err := kyaml.YAMLToJSON(d.text)
	if err != nil {
		return d.at(err)
	}
	d.data = data
	if !d.Empty() && data[0] != '{' {
		return d.at(fmt.Errorf("found %s instead of a Kubernetes object", nameOf(data[0])))
	}
	if err := yamledit.CheckEnd(d.text); err != nil {
		return d.at(err)
	}
	return nil
}

func nameOf(first byte) string {
	switch first {
	case '[':
		return "a list"
	case '"':
		return "a string"
	default:
		return "a scalar"
	}
}

// body is the text without the line that starts a document.
func (d *Document) body() []byte {
	line, rest, found := bytes.Cut(d.text, []byte("\n"))
	if found && string(bytes.TrimSpace(line)) == startMarker {
		return rest
	}
	return d.text
}

var lineNumber = regexp.MustCompile(`(?s)^(?:failed to parse: )?(?:yaml: )?(?:unmarshal errors:\s*)?line (\d+): (.*)`)

// at adds the place to an error that counts the document's lines.
func (d *Document) at(err error) error {
	line, message := d.Line, err.Error()
	if match := lineNumber.FindStringSubmatch(message); match != nil {
		if n, convErr := strconv.Atoi(match[1]); convErr == nil {
			line, message = line+n-1, match[2]
		}
		// The YAML parser counts lines from 0 in these messages, and from 1 in all others.
		if strings.HasPrefix(message, "did not find expected") {
			line++
		}
	}
	last := d.Line + bytes.Count(bytes.TrimRight(d.text, "\n"), []byte("\n"))
	line = max(d.Line, min(line, last))
	return &Error{File: d.File, Line: line, Message: message}
}

// Error is a mistake at a place of a file.
type Error struct {
	File    string
	Line    int
	Message string
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message)
}

// checkKeys refuses keys that an object has twice, because readers disagree about which one counts.
func (d *Document) checkKeys() error {
	if !d.isJSON {
		if err := yamledit.CheckKeys(d.text); err != nil {
			return d.at(err)
		}
		return nil
	}
	var object map[string]any
	problems, err := kjson.UnmarshalStrict(d.data, &object)
	if err = errors.Join(append(problems, err)...); err != nil {
		return d.at(err)
	}
	return nil
}

// Patch changes the document's text to mean the patched document.
func (d *Document) Patch(ops []operations.Operation) error {
	encoded, err := json.Marshal(ops)
	if err != nil {
		return fmt.Errorf("failed to encode the patch: %w", err)
	}
	patch, err := jsonpatch.DecodePatch(encoded)
	if err != nil {
		return fmt.Errorf("failed to decode the patch: %w", err)
	}
	options := jsonpatch.NewApplyOptions()
	options.EscapeHTML = false
	patched, err := patch.ApplyWithOptions(d.data, options)
	if err != nil {
		return fmt.Errorf("%s:%d: failed to apply the patch: %w", d.File, d.Line, err)
	}
	var text []byte
	if d.isJSON {
		text = bytes.Replace(d.text, d.data, indentLike(d.data, patched), 1)
	} else if text, err = yamledit.Edit(d.text, ops, patched); err != nil {
		return d.at(err)
	}
	d.text, d.data = text, patched
	return nil
}

// indentLike formats JSON like the example.
func indentLike(example, data []byte) []byte {
	var buf bytes.Buffer
	indent := regexp.MustCompile(`^\{\r?\n([ \t]*)`).FindSubmatch(example)
	if indent == nil {
		if json.Compact(&buf, data) != nil {
			return data
		}
		return buf.Bytes()
	}
	if json.Indent(&buf, data, "", string(indent[1])) != nil {
		return data
	}
	if bytes.Contains(example, []byte("\r\n")) {
		return bytes.ReplaceAll(buf.Bytes(), []byte("\n"), []byte("\r\n"))
	}
	return buf.Bytes()
}
