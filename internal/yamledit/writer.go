package yamledit

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"unicode"

	yaml "go.yaml.in/yaml/v3"
)

// writer writes block style.
type writer struct {
	style
	bytes.Buffer
}

// block is the text of a document with this value.
func (s style) block(v any) string {
	w := writer{style: s}
	switch v := v.(type) {
	case object:
		w.mapping(v, 0, false)
	case list:
		w.sequence(v, 0)
	}
	if w.Len() == 0 {
		w.WriteString(marshal(v) + s.eol)
	}
	return w.String()
}

// mapping writes the entries; where begun, the first one's indentation stands already.
func (w *writer) mapping(o object, indent int, begun bool) {
	for n, m := range o {
		if n > 0 || !begun {
			w.pad(indent)
		}
		w.WriteString(w.scalar(m.key, -1) + ":")
		w.entry(m.value, indent)
	}
}

// entry writes what follows the colon.
func (w *writer) entry(v any, indent int) {
	inline, lines := w.value(v, indent)
	w.WriteString(inline + w.eol + lines)
}

// value of a mapping's entry at an indentation: what stands behind the colon, and the lines that follow.
func (s style) value(v any, indent int) (inline, lines string) {
	w := writer{style: s}
	switch v := v.(type) {
	case object:
		w.mapping(v, indent+s.step, false)
	case list:
		w.sequence(v, indent+s.seq)
	}
	if w.Len() > 0 {
		return "", w.String()
	}
	return " " + s.scalar(v, indent), ""
}

func (w *writer) sequence(l list, indent int) {
	for _, v := range l {
		w.pad(indent)
		w.WriteString("-")
		if o, ok := v.(object); ok && len(o) > 0 {
			w.pad(w.item - 1)
			w.mapping(o, indent+w.item, true)
			continue
		}
		w.WriteString(" " + w.scalar(v, indent) + w.eol)
	}
}

func (w *writer) pad(n int) {
	w.WriteString(strings.Repeat(" ", n))
}

// scalar is the text of a scalar, or of a collection in flow style, in a block with this indentation. With a negative one
// it stays on one line.
func (s style) scalar(v any, indent int) string {
	text, ok := v.(string)
	switch {
	case !ok:
		return marshal(v)
	case strings.Contains(text, "\n") && indent >= 0 && literal(text):
		return s.literal(text, indent)
	default:
		return plainOrQuoted(text)
	}
}

// plainOrQuoted leaves the choice to the encoder, which knows what other readers take for a number or a boolean.
func plainOrQuoted(text string) string {
	data, err := yaml.Marshal(text)
	line := strings.TrimSuffix(string(data), "\n")
	if err != nil || strings.ContainsAny(line, "\n\r\u0085\u2028\u2029") {
		return quote(text)
	}
	return line
}

// literal tells whether a text of several lines can be written as it is, behind a bar.
func literal(text string) bool {
	return !strings.HasPrefix(text, " ") && !strings.HasPrefix(text, "\t") && !strings.HasPrefix(text, "\n") &&
		!strings.HasSuffix(text, "\n\n") && strings.IndexFunc(text, unwritable) < 0
}

func unwritable(r rune) bool {
	return r != '\n' && r != '\t' && !unicode.IsPrint(r)
}

func (s style) literal(text string, indent int) string {
	header := "|"
	if !strings.HasSuffix(text, "\n") {
		header = "|-"
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for n, line := range lines {
		if line != "" {
			lines[n] = strings.Repeat(" ", indent+s.step) + line
		}
	}
	return header + s.eol + strings.Join(lines, s.eol)
}

// quote writes JSON, which YAML reads too.
func quote(text string) string {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return fmt.Sprintf("%q", text)
	}
	return strings.ReplaceAll(strings.TrimSuffix(buf.String(), "\n"), "\u007f", `\u007f`)
}

func scalarText(v any) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprint(v)
}
