package gate

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/performancecopilot/pcp-injector/internal/terminal"
)

// nameColumns is the longest that a gate's name may be without pushing its evidence to the next line.
const nameColumns = 17

// WriteChecklist writes the reports for people as one list: a heading for each report, a line or more for each gate, and under each gate
// that has not passed what it needs.
func WriteChecklist(out io.Writer, reports []*Report, style Style) error {
	var text strings.Builder
	for _, report := range reports {
		subject := Wrap(report.Subject, Width)
		text.WriteString(style.Paint(bold, strings.Join(subject, "\n")) + "\n")
		gates := grouped(report.Gates, "checks")
		for n := range gates {
			gates[n].writeItem(&text, style)
		}
		text.WriteString("\n")
	}
	for _, line := range Wrap(summary(reports), Width) {
		text.WriteString(style.Paint(marks[Worst(reports...)].color, line) + "\n")
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func (g *Gate) writeItem(text *strings.Builder, style Style) {
	mark := style.mark(g.Result)
	indent := utf8.RuneCountInString(mark) + 1 + nameColumns + 2
	lead := fmt.Sprintf(" %-*s  ", nameColumns, terminal.Plain(g.Name))
	lines := Wrap(g.finding(), Width-indent)
	text.WriteString(style.Paint(marks[g.Result].color, mark) + lead + lines[0] + "\n")
	for _, line := range lines[1:] {
		fmt.Fprintf(text, "%*s%s\n", indent, "", line)
	}
	if g.Remedy == nil || g.Result == Passed {
		return
	}
	for _, line := range Wrap(g.Remedy.Sentence(), Width-4) {
		text.WriteString("    " + line + "\n")
	}
	for _, command := range g.Remedy.Text().Commands {
		text.WriteString("      " + style.Paint(bold, terminal.Plain(command)) + "\n")
	}
	for _, note := range g.Remedy.Text().Notes {
		for _, line := range Wrap(note+".", Width-4) {
			text.WriteString("    " + line + "\n")
		}
	}
}

// summary counts the results.
func summary(reports []*Report) string {
	counts, all := map[Result]int{}, 0
	for _, report := range reports {
		for n := range report.Gates {
			counts[report.Gates[n].Result]++
			all++
		}
	}
	if counts[Passed] == all {
		return fmt.Sprintf("All %d checks are green.", all)
	}
	var parts []string
	for _, part := range []struct {
		result    Result
		one, many string
	}{{Failed, "failed", "failed"}, {Warning, "warning", "warnings"}, {Unknown, "unknown", "unknown"}} {
		switch n := counts[part.result]; n {
		case 0:
		case 1:
			parts = append(parts, "1 "+part.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", n, part.many))
		}
	}
	text := fmt.Sprintf("%d of %d checks are green: %s.", counts[Passed], all, strings.Join(parts, ", "))
	return text + inOrder(Mended(reports...))
}

// inOrder names the gates in the order of their remedies, which may differ from that of the list.
func inOrder(gates []*Gate) string {
	var names []string
	for _, g := range gates {
		if !slices.Contains(names, g.Name) {
			names = append(names, g.Name)
		}
	}
	if len(names) < 2 {
		return ""
	}
	return " Fix them in this order: " + strings.Join(names, ", ") + "."
}
