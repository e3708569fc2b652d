package gate

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Width of the text, in columns.
const Width = 80

// Style of the text for people.
type Style struct {
	// Color marks results with the colors of the terminal.
	Color bool
	// ASCII has words for marks, for checklists in logs and on old terminals.
	ASCII bool
}

// Color is one of the terminal's. The codes of all but bold are equally long.
type Color string

// The colors.
const (
	Red     Color = "31"
	Green   Color = "32"
	Yellow  Color = "33"
	Neutral Color = "39"
	bold    Color = "1"
)

var marks = map[Result]struct {
	sign  string
	color Color
}{
	Passed:  {"✓", Green},
	Failed:  {"✗", Red},
	Warning: {"!", Yellow},
	Unknown: {"?", Yellow},
}

// Write writes the report for people: a line or more a gate, then what the first gate that failed needs; or, where none failed,
// what the unknown ones do.
func (r *Report) Write(out io.Writer, style Style) error {
	var text strings.Builder
	text.WriteString(style.Paint(bold, Plain(r.Subject)) + "\n\n")
	names := 0
	for n := range r.Gates {
		names = max(names, utf8.RuneCountInString(r.Gates[n].Name))
	}
	for n := range r.Gates {
		g := &r.Gates[n]
		mark := marks[g.Result]
		lead := fmt.Sprintf("%s %-*s  ", mark.sign, names, g.Name)
		lines := Wrap(g.Evidence, Width-utf8.RuneCountInString(lead))
		fmt.Fprintf(&text, "%s%s\n", style.Paint(mark.color, mark.sign)+strings.TrimPrefix(lead, mark.sign), lines[0])
		for _, line := range lines[1:] {
			fmt.Fprintf(&text, "%*s%s\n", utf8.RuneCountInString(lead), "", line)
		}
	}
	r.writeRemedy(&text, style)
	_, err := io.WriteString(out, text.String())
	return err
}

func (r *Report) writeRemedy(text *strings.Builder, style Style) {
	decisive := r.First(Failed)
	if decisive == nil {
		decisive = r.First(Unknown)
	}
	if decisive == nil || decisive.Remedy == nil {
		return
	}
	text.WriteString("\n")
	for _, line := range Wrap(decisive.Remedy.sentence(), Width) {
		text.WriteString(line + "\n")
	}
	for _, command := range decisive.Remedy.Commands {
		// A command stays as it is, to be copied.
		text.WriteString("\n  " + style.Paint(bold, strings.ReplaceAll(command, "\n", "\n  ")) + "\n")
	}
}

// sentence is the advice, with the punctuation for what follows it.
func (r *Remedy) sentence() string {
	if len(r.Commands) > 0 {
		return r.Advice + ":"
	}
	return r.Advice + "."
}

// Paint colors text where the style has colors.
func (s Style) Paint(color Color, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + string(color) + "m" + text + "\x1b[0m"
}

// Plain makes text from the cluster harmless for terminals: anyone may write control characters into an annotation.
func Plain(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Cf, r):
			return '�'
		}
		return r
	}, text)
}

// Wrap makes text from the cluster plain, and breaks it between words; a word that is too long stands alone.
func Wrap(text string, width int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(Plain(text)) {
		last := &lines[len(lines)-1]
		switch {
		case *last == "":
			*last = word
		case utf8.RuneCountInString(*last)+1+utf8.RuneCountInString(word) <= width:
			*last += " " + word
		default:
			lines = append(lines, word)
		}
	}
	return lines
}
