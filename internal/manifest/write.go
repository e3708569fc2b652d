package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/performancecopilot/pcp-injector/internal/yamledit"
)

// Format of what is written.
type Format string

const (
	// AsRead writes each document in the format in which it was read.
	AsRead Format = ""
	// YAML writes documents that were JSON as YAML.
	YAML Format = "yaml"
	// JSON writes all documents as JSON objects one after the other, without those that hold only comments.
	JSON Format = "json"
)

// Write joins the documents again: those of one file as they were, those of several files with markers between them.
func Write(documents []*Document, format Format) ([]byte, error) {
	var out bytes.Buffer
	var before *Document
	for _, document := range documents {
		text, asJSON, err := document.render(format)
		if err != nil {
			return nil, err
		}
		if len(text) == 0 {
			continue
		}
		if before != nil && (before.File != document.File || format != AsRead) {
			text = separate(&out, before.isJSON || format == JSON, asJSON, text)
		}
		out.Write(text)
		before = document
	}
	return out.Bytes(), nil
}

func (d *Document) render(format Format) (text []byte, asJSON bool, err error) {
	switch {
	case format == JSON:
		text, err = d.indented()
		return text, true, err
	case format == YAML && d.isJSON:
		text, err = yamledit.FromJSON(d.data)
	default:
		text, asJSON = bytes.Join([][]byte{d.lead, d.text, d.tail}, nil), d.isJSON
	}
	if err != nil {
		return nil, false, fmt.Errorf("%s:%d: %w", d.File, d.Line, err)
	}
	return text, asJSON, nil
}

func (d *Document) indented() ([]byte, error) {
	if d.Empty() {
		return nil, nil
	}
	var buf bytes.Buffer
	if err := json.Indent(&buf, d.data, "", "    "); err != nil {
		return nil, fmt.Errorf("%s:%d: failed to write as JSON: %w", d.File, d.Line, err)
	}
	buf.WriteByte('\n')
	return buf.Bytes(), nil
}

// separate writes what must be between two documents, and returns the second without its byte order mark.
func separate(out *bytes.Buffer, beforeJSON, asJSON bool, text []byte) []byte {
	if !bytes.HasSuffix(out.Bytes(), []byte("\n")) {
		out.WriteByte('\n')
	}
	text = bytes.TrimPrefix(text, byteOrderMark)
	if (!beforeJSON || !asJSON) && !marks(text, startMarker) {
		out.WriteString(startMarker + "\n")
	}
	return text
}
