package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/pmproxy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/terminal"
	"github.com/performancecopilot/pcp-injector/internal/verify"
)

// column of the list.
type column struct {
	title string
	// wide columns are shown with -o wide only.
	wide bool
	// color of a cell; nil if the column has no color.
	color func(p *podStatus) gate.Color
	text  func(p *podStatus) string
}

// columnsAt are all columns at that time. Without the wide ones, they fit gate.Width with the name of a Deployment's pod.
func columnsAt(now time.Time) []column {
	return []column{
		{"NAMESPACE", true, nil, func(p *podStatus) string { return p.Namespace }},
		{"POD", false, nil, func(p *podStatus) string { return p.Pod }},
		{"NODE", true, nil, func(p *podStatus) string { return cmp.Or(p.Node, "<none>") }},
		{"READY", false, (*podStatus).readyColor, func(p *podStatus) string { return strconv.FormatBool(p.Ready) }},
		{"RESTARTS", true, nil, func(p *podStatus) string { return strconv.Itoa(int(p.Restarts)) }},
		{"AGE", true, nil, func(p *podStatus) string { return duration.HumanDuration(now.Sub(p.Created)) }},
		{"PCP", false, (*podStatus).versionColor, func(p *podStatus) string { return cmp.Or(terminal.Plain(p.Version), unknownCell) }},
		{"STATE", false, func(p *podStatus) gate.Color { return stateColors[p.State] }, (*podStatus).shortState},
		{"SOURCES", false, (*podStatus).sourcesColor, (*podStatus).sourcesText},
		{"ARCHIVES", false, (*podStatus).archivesColor, (*podStatus).archivesText},
		{"IMAGE", true, nil, func(p *podStatus) string { return terminal.Plain(p.Image) }},
	}
}

// writeStatus writes the list. Below it, it says what is wrong with sources, and why something is unknown. A wide list is one table, as
// kubectl's is. Otherwise each namespace has its own table, so its name needs no column.
func writeStatus(out io.Writer, list []podStatus, style gate.Style, now time.Time, wide bool) error {
	columns := columnsAt(now)
	if wide {
		if err := writeTable(out, columns, list, style); err != nil {
			return err
		}
	} else {
		columns = slices.DeleteFunc(columns, func(c column) bool { return c.wide })
		for n, pods := range byNamespace(list) {
			fmt.Fprintf(out, "%sPods with PCP in namespace %s\n", strings.Repeat("\n", min(n, 1)), pods[0].Namespace)
			if err := writeTable(out, columns, pods, style); err != nil {
				return err
			}
		}
	}
	for n := range list {
		for _, note := range list[n].notes() {
			lines := gate.Wrap(fmt.Sprintf("%s/%s: %s", list[n].Namespace, list[n].Pod, note), gate.Width-2)
			fmt.Fprintf(out, "\n%s\n", strings.Join(lines, "\n  "))
		}
	}
	return nil
}

// byNamespace cuts the list where the namespace changes.
func byNamespace(list []podStatus) [][]podStatus {
	var groups [][]podStatus
	for len(list) > 0 {
		end := slices.IndexFunc(list, func(p podStatus) bool { return p.Namespace != list[0].Namespace })
		if end < 0 {
			end = len(list)
		}
		groups, list = append(groups, list[:end]), list[end:]
	}
	return groups
}

// writeTable colors all cells of a column or none. The table is aligned by counting all characters, so each cell of a column needs the
// same number of invisible ones.
func writeTable(out io.Writer, columns []column, list []podStatus, style gate.Style) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cell func(c *column) (string, gate.Color)) {
		cells := make([]string, len(columns))
		for n := range columns {
			text, color := cell(&columns[n])
			if cells[n] = text; columns[n].color != nil {
				cells[n] = style.Paint(color, text)
			}
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	row(func(c *column) (string, gate.Color) { return c.title, gate.Neutral })
	for n := range list {
		row(func(c *column) (string, gate.Color) {
			if c.color == nil {
				return c.text(&list[n]), gate.Neutral
			}
			return c.text(&list[n]), c.color(&list[n])
		})
	}
	return table.Flush() //nolint:wrapcheck // the caller says what was written
}

var stateColors = map[verify.State]gate.Color{
	verify.Current: gate.Green, verify.Upgraded: gate.Green, verify.Stale: gate.Yellow, verify.Older: gate.Yellow, verify.Tampered: gate.Red,
}

// shortState is the state, in no more characters than the others have.
func (p *podStatus) shortState() string {
	if p.State == verify.Older {
		return "other release"
	}
	return string(p.State)
}

func (p *podStatus) readyColor() gate.Color {
	if p.Ready {
		return gate.Green
	}
	return gate.Red
}

// unknownCell is explained below the list.
const unknownCell = "?"

func (p *podStatus) versionColor() gate.Color { return unlessUnknown(p.Version == "", gate.Neutral) }

func (p *podStatus) archivesColor() gate.Color {
	return unlessUnknown(p.Archives == nil, gate.Neutral)
}

func unlessUnknown(unknown bool, color gate.Color) gate.Color {
	if unknown {
		return gate.Yellow
	}
	return color
}

func (p *podStatus) sourcesColor() gate.Color {
	color := gate.Green
	if p.reachable() < len(p.Sources) {
		color = gate.Red
	}
	return unlessUnknown(p.Version == "", color)
}

func (p *podStatus) sourcesText() string {
	if p.Version == "" {
		return unknownCell
	}
	return fmt.Sprintf("%d/%d", p.reachable(), len(p.Sources))
}

// reachable is how many sources answer.
func (p *podStatus) reachable() int {
	reachable := 0
	for _, source := range p.Sources {
		if source.Result == pmproxy.Reachable {
			reachable++
		}
	}
	return reachable
}

func (p *podStatus) archivesText() string {
	if p.Archives == nil {
		return unknownCell
	}
	return snapshot.Size(p.Archives.Bytes)
}

// notes are the sentences below the list.
func (p *podStatus) notes() []string {
	var notes []string
	for _, source := range p.Sources {
		switch source.Result {
		case pmproxy.Unreachable:
			notes = append(notes, fmt.Sprintf("source %s does not answer: %s", source.Name, source.Problem))
		case pmproxy.Untried:
			notes = append(notes, fmt.Sprintf("source %s has not been fetched from yet", source.Name))
		case pmproxy.Reachable:
		}
	}
	return append(notes, p.Unknown...)
}
