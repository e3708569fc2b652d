package gate

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/performancecopilot/pcp-injector/internal/terminal"
)

// Width of the text, in columns.
const Width = 80

// Style of the text for people.
type Style struct {
	// Color marks results with the colors of the terminal.
	Color bool
	// ASCII replaces marks by words, for logs and old terminals.
	ASCII bool
}

// Color is a color of the terminal. The codes of all but bold have the same length.
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

// words replace the marks if there is only ASCII. Problems stand out, and can be searched for.
var words = map[Result]string{Passed: "ok", Failed: "FAILED", Warning: "WARNING", Unknown: "unknown"}

// mark of a result: a sign, or a word of equal width.
func (s Style) mark(result Result) string {
	if s.ASCII {
		return fmt.Sprintf("%-7s", words[result])
	}
	return marks[result].sign
}

// finding is the evidence beside a mark that already says unknown.
func (g *Gate) finding() string {
	if g.Result == Unknown {
		return strings.TrimPrefix(g.Evidence, "unknown, because ")
	}
	return g.Evidence
}

// Write writes the report for people: a line or more for each gate or group of them, then what the failed gates need, in order, or if none has failed, what
// the first warning or unknown one needs.
func (r *Report) Write(out io.Writer, style Style) error {
	var text strings.Builder
	text.WriteString(style.Paint(bold, terminal.Plain(r.Subject)) + "\n\n")
	names, gates := 0, grouped(r.Gates, "gates")
	for n := range gates {
		names = max(names, utf8.RuneCountInString(gates[n].Name))
	}
	for n := range gates {
		g := &gates[n]
		mark := style.mark(g.Result)
		lead := fmt.Sprintf(" %-*s  ", names, terminal.Plain(g.Name))
		indent := utf8.RuneCountInString(mark + lead)
		lines := Wrap(g.finding(), Width-indent)
		text.WriteString(style.Paint(marks[g.Result].color, mark) + lead + lines[0] + "\n")
		for _, line := range lines[1:] {
			fmt.Fprintf(&text, "%*s%s\n", indent, "", line)
		}
	}
	r.writeRemedies(&text, style)
	_, err := io.WriteString(out, text.String())
	return err
}

// toHeed is the first warning, or else the first unknown gate, if it has a remedy.
func (r *Report) toHeed() []*Gate {
	for _, result := range []Result{Warning, Unknown} {
		if g := r.First(result); g != nil {
			return slices.DeleteFunc([]*Gate{g}, func(g *Gate) bool { return g.Remedy == nil })
		}
	}
	return nil
}

func (r *Report) writeRemedies(text *strings.Builder, style Style) {
	gates := Mended(r)
	if r.First(Failed) == nil {
		gates = r.toHeed()
	}
	if len(gates) > 1 {
		text.WriteString("\n" + style.Paint(bold, "What to do, in this order:") + "\n")
	}
	var notes []string
	for n, g := range gates {
		number := ""
		if len(gates) > 1 {
			number = fmt.Sprintf("%d. ", n+1)
		}
		text.WriteString("\n" + strings.Join(Wrap(number+g.Remedy.Sentence(), Width), "\n") + "\n")
		for _, command := range g.Remedy.Text().Commands {
			// A command is not wrapped, so it can be copied.
			text.WriteString("\n  " + style.Paint(bold, terminal.Plain(command)) + "\n")
		}
		notes = append(notes, g.Remedy.Text().Notes...)
	}
	for n, note := range notes {
		if !slices.Contains(notes[:n], note) {
			text.WriteString("\n" + strings.Join(Wrap(note+".", Width), "\n") + "\n")
		}
	}
}

// Paint colors text if the style has colors.
func (s Style) Paint(color Color, text string) string {
	if !s.Color {
		return text
	}
	return "\x1b[" + string(color) + "m" + text + "\x1b[0m"
}

// Wrap makes text from the cluster plain, and breaks it between words. A word that is too long gets its own line.
func Wrap(text string, width int) []string {
	lines := []string{""}
	for word := range strings.FieldsSeq(terminal.Plain(text)) {
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
