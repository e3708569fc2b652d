package manifest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"unicode/utf8"
)

// MaxSize of a file. It is more than the API server's own limit of 3 MB for an object, so lists of many fit.
const MaxSize = 64 << 20

const (
	startMarker = "---"
	endMarker   = "..."
)

var byteOrderMark = []byte("\ufeff")

// Parse splits a file into its documents, which together are the file byte for byte. The error joins the mistakes in all documents.
func Parse(source string, data []byte) ([]*Document, error) {
	if !utf8.Valid(data) {
		return nil, &Error{source, invalidLine(data), "the text is not UTF-8: save it as UTF-8"}
	}
	text, marked := bytes.CutPrefix(data, byteOrderMark)
	documents := split(source, text)
	if marked {
		documents[0].lead = byteOrderMark
	}
	var problems []error
	for _, document := range documents {
		if err := document.parse(); err != nil {
			problems = append(problems, err)
		}
	}
	return documents, errors.Join(problems...)
}

func invalidLine(data []byte) int {
	line := 1
	for len(data) > 0 {
		r, width := utf8.DecodeRune(data)
		if r == utf8.RuneError && width <= 1 {
			break
		}
		if r == '\n' {
			line++
		}
		data = data[width:]
	}
	return line
}

// split cuts the text before each line "---" and after each line "...". YAML allows neither inside a document, not even inside a block of
// text.
func split(source string, text []byte) []*Document {
	documents := []*Document{{File: source, Line: 1}}
	line := 1
	for raw := range bytes.Lines(text) {
		last := documents[len(documents)-1]
		starts := marks(raw, startMarker) && len(last.text) > 0 && !directives(last.text)
		if starts || last.tail != nil {
			last = &Document{File: source, Line: line}
			documents = append(documents, last)
		}
		if marks(raw, endMarker) {
			last.tail = raw
		} else {
			last.text = append(last.text, raw...)
		}
		line++
	}
	var found []*Document
	for _, document := range documents {
		found = append(found, document.splitJSON()...)
	}
	return found
}

// marks reports whether a line is a marker, alone or followed by something.
func marks(line []byte, marker string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(marker))
	return ok && (len(rest) == 0 || bytes.IndexByte([]byte(" \t\r\n"), rest[0]) >= 0)
}

// directives (%YAML 1.1) stand before the line "---" of their document.
func directives(text []byte) bool {
	found := false
	for raw := range bytes.Lines(text) {
		line := bytes.TrimSpace(raw)
		switch {
		case bytes.HasPrefix(line, []byte("%")):
			found = true
		case len(line) > 0 && line[0] != '#':
			return false
		}
	}
	return found
}

// splitJSON splits JSON objects that follow one another without markers, as jq and kubectl write them.
func (d *Document) splitJSON() []*Document {
	body := d.body()
	if len(d.tail) > 0 || !bytes.HasPrefix(bytes.TrimSpace(body), []byte("{")) {
		return []*Document{d}
	}
	var found []*Document
	decoder := json.NewDecoder(bytes.NewReader(body))
	at, line, lead := 0, d.Line, len(d.text)-len(body)
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return []*Document{d}
		}
		end := lead + int(decoder.InputOffset())
		next := &Document{File: d.File, Line: line, text: d.text[at:end:end]}
		if at > 0 {
			next.Line += leadingLines(next.text)
		}
		found = append(found, next)
		line += bytes.Count(next.text, []byte("\n"))
		at = end
	}
	last := found[len(found)-1]
	last.text = append(last.text, d.text[at:]...)
	return found
}

func leadingLines(text []byte) int {
	space := len(text) - len(bytes.TrimLeft(text, " \t\r\n"))
	return bytes.Count(text[:space], []byte("\n"))
}
