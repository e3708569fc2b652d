// Package terminal makes text harmless for terminals and easy to read there. Anyone may write control characters into an annotation, a
// status or a message, and a terminal would obey them.
package terminal

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// Replacement stands for a character that a terminal may obey, or that hides what other characters say.
const Replacement = '\uFFFD'

// obeyed reports whether a terminal does something else with the character than to show it. Invalid UTF-8 is read as Replacement.
func obeyed(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)
}

// Plain makes one line of text, in which nothing steers a terminal.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case obeyed(r):
			return Replacement
		}
		return r
	}, text)
}

// Shows reports whether a terminal shows the text as it is: what a reader sees of it is all there is.
func Shows(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, obeyed)
}

// Lines makes text plain, but keeps its lines and tabs.
func Lines(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && r != '\t' && obeyed(r) {
			return Replacement
		}
		return r
	}, text)
}

// writer makes all text plain that is written through it.
type writer struct{ to io.Writer }

// Writer makes text plain on its way, but keeps its lines. Each Write must hold whole characters.
func Writer(to io.Writer) io.Writer { return &writer{to} }

func (w *writer) Write(text []byte) (int, error) {
	if _, err := io.WriteString(w.to, Lines(string(text))); err != nil {
		return 0, err
	}
	return len(text), nil
}

// Behind is what the Writer writes to, for programs that steer the terminal themselves; any other io.Writer is returned as it is.
func Behind(out io.Writer) io.Writer {
	if w, ok := out.(*writer); ok {
		return w.to
	}
	return out
}

// Escaped replaces in JSON what a terminal may obey by JSON's own escapes, so its meaning stays.
func Escaped(json []byte) []byte {
	var text strings.Builder
	for _, r := range string(json) {
		if r == '\n' || r == '\t' || !obeyed(r) {
			text.WriteRune(r)
			continue
		}
		escape(&text, r)
	}
	return []byte(text.String())
}

// escape writes a character as JSON does, in UTF-16.
func escape(text *strings.Builder, r rune) {
	if high, low := utf16.EncodeRune(r); r > 0xFFFF {
		fmt.Fprintf(text, `\u%04x\u%04x`, high, low)
		return
	}
	fmt.Fprintf(text, `\u%04x`, r)
}
