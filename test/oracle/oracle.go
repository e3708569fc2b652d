// Package oracle compares what package archive reads with what PCP's own tools print of the same archive.
package oracle

import (
	"context"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"github.com/performancecopilot/pcp-injector/archive"
)

// Tools runs a program of PCP, and returns what it prints.
type Tools func(ctx context.Context, name string, arguments ...string) (string, error)

// maxDifferences are reported, and no more.
const maxDifferences = 20

// differences collects what is not the same.
type differences []error

func (d *differences) addf(format string, values ...any) {
	if len(*d) < maxDifferences {
		*d = append(*d, fmt.Errorf(format, values...))
	}
}

// Values compares every value and time of an archive with what pmdumplog prints. It returns how many values were compared.
func Values(ctx context.Context, tools Tools, path string, a *archive.Archive) (int, error) {
	printed, err := tools(ctx, "pmdumplog", "-Z", "UTC", path)
	if err != nil {
		return 0, err
	}
	ours, err := dump(a)
	if err != nil {
		return 0, err
	}
	theirs := records(printed)
	var found differences
	if len(theirs) != len(ours) {
		found.addf("pmdumplog prints %d records, there are %d", len(theirs), len(ours))
	}
	count := 0
	for i := range min(len(theirs), len(ours)) {
		count += found.record(theirs[i], ours[i])
	}
	return count, errors.Join(found...)
}

// record is one of an archive: the time of day, and the values by metric and instance.
type record struct {
	time   string
	mark   bool
	values map[string]string
}

var (
	recordLine = regexp.MustCompile(`^(?:\[\d+ bytes\] *)?(\d\d:\d\d:\d\d\.\d+) +(<mark>|\d+ metric)`)
	metricLine = regexp.MustCompile(`^ {4}([\d.]+) \(([^)]*)\): *(.*)$`)
	valueLine  = regexp.MustCompile(`^ *(?:inst \[(-?\d+) or (?:"(.*?)"|\?{3})\] )?value (.*)$`)
	eventsName = regexp.MustCompile(`\[(-?\d+) or "(.*?)"\]$`)
	eventsLine = regexp.MustCompile(`^(?:No|\d+(?: \(and \d+ missed\))?) event records?$`)
	eventLine  = regexp.MustCompile(`^ {8}--- event record \[\d+\] timestamp (\S+) flags 0x(\S+)`)
	paramLine  = regexp.MustCompile(`^ {8}([\d.]+) \([^)]*\): value (.*)$`)
)

// records parses what pmdumplog prints.
func records(printed string) []record {
	var out []record
	metric, events := "", ""
	for line := range strings.SplitSeq(printed, "\n") {
		if head := recordLine.FindStringSubmatch(line); head != nil {
			out = append(out, record{head[1], head[2] == "<mark>", map[string]string{}})
			continue
		}
		if len(out) == 0 {
			continue
		}
		values := out[len(out)-1].values
		if head := metricLine.FindStringSubmatch(line); head != nil {
			metric, line, events = head[1], head[3], ""
			switch {
			case eventsLine.MatchString(line):
				instance := append(eventsName.FindStringSubmatch(head[2]), "", "", "")
				events = key(metric, instance[1], instance[2])
				values[events] = "events"
			case !strings.Contains(line, "value ") && line != "":
				values[metric] = line
			}
		}
		if event := eventLine.FindStringSubmatch(line); event != nil {
			values[events] += " " + event[1] + " " + event[2]
		} else if param := paramLine.FindStringSubmatch(line); param != nil && events != "" {
			values[events] += " " + param[1] + "=" + last(param[2])
		} else if value := valueLine.FindStringSubmatch(line); value != nil {
			values[key(metric, value[1], value[2])] = value[3]
		}
	}
	return out
}

// last way in which PCP prints an aggregate.
func last(value string) string {
	if bytes := strings.LastIndex(value, " ["); bytes >= 0 && strings.HasSuffix(value, "]") {
		return value[bytes+1:]
	}
	return value
}

func key(metric, instance, name string) string { return metric + "[" + instance + " " + name + "]" }

// dump reads everything in an archive.
func dump(a *archive.Archive) ([]record, error) {
	metrics, err := a.Metrics("")
	if err != nil {
		return nil, err
	}
	query := archive.Query{}
	seen := map[archive.MetricID]bool{}
	for _, metric := range metrics {
		if !seen[metric.ID] {
			query.Metrics = append(query.Metrics, metric.Name)
		}
		seen[metric.ID] = true
	}
	digits := "15:04:05.000000"
	if a.Label().Version == 3 {
		digits = "15:04:05.000000000"
	}
	var out []record
	for sample, err := range a.Samples(query) {
		if err != nil {
			return out, err
		}
		one := record{sample.Time.UTC().Format(digits), sample.Gap, map[string]string{}}
		for _, set := range sample.Sets {
			addSet(one.values, set)
		}
		out = append(out, one)
	}
	return out, nil
}

func addSet(to map[string]string, set archive.Set) {
	id := set.Metric.ID.String()
	switch {
	case set.Err != nil:
		to[id] = set.Err.Error()
	case len(set.Values) == 0:
		to[id] = "No values returned!"
	}
	for _, value := range set.Values {
		instance := ""
		if value.Instance != archive.NoInstance {
			instance = strconv.Itoa(int(value.Instance))
		}
		to[key(id, instance, value.Name)] = printed(value)
	}
}

// printed is a value as pmPrintValue(3) prints it, and events as records writes them.
func printed(value archive.Value) string {
	switch value.Type() {
	case archive.String:
		return `"` + value.String() + `"`
	case archive.Aggregate, archive.AggregateStatic:
		return fmt.Sprintf("[%x]", value.Bytes())
	case archive.EventRecords, archive.HighResEventRecords:
		return printedEvents(value)
	default:
		return value.String()
	}
}

func printedEvents(value archive.Value) string {
	digits := "15:04:05.000000"
	if value.Type() == archive.HighResEventRecords {
		digits = "15:04:05.000000000"
	}
	events, err := value.Events()
	if err != nil {
		return err.Error()
	}
	var out strings.Builder
	out.WriteString("events")
	for _, event := range events {
		fmt.Fprintf(&out, " %s %x", event.Time.UTC().Format(digits), event.Flags)
		for _, parameter := range event.Parameters {
			out.WriteString(" " + parameter.Metric.String() + "=" + printed(parameter.Value))
		}
	}
	return out.String()
}

func (d *differences) record(theirs, ours record) (count int) {
	if theirs.time != ours.time && !strings.HasPrefix(ours.time, theirs.time) || theirs.mark != ours.mark {
		d.addf("pmdumplog has %s (mark: %t), we have %s (mark: %t)", theirs.time, theirs.mark, ours.time, ours.mark)
	}
	for key, want := range theirs.values {
		count++
		got, exists := ours.values[key]
		if !exists {
			d.addf("%s: %s: pmdumplog has %q, we have none", theirs.time, key, want)
		} else if !same(want, got) {
			d.addf("%s: %s: pmdumplog has %q, we have %q", theirs.time, key, want, got)
		}
	}
	for key, got := range ours.values {
		if _, exists := theirs.values[key]; !exists {
			d.addf("%s: %s: we have %q, pmdumplog has none", theirs.time, key, got)
		}
	}
	return count
}

// same compares numbers within the digits that PCP prints, texts that PCP prints in two ways by the
// last, and those of several lines by the first.
func same(theirs, ours string) bool {
	if theirs == ours || strings.HasPrefix(ours, "[") && strings.HasSuffix(theirs, ours) {
		return true
	}
	if first, _, more := strings.Cut(ours, "\n"); more && theirs == first {
		return true
	}
	want, err := strconv.ParseFloat(theirs, 64)
	if err != nil {
		return false
	}
	got, err := strconv.ParseFloat(ours, 64)
	return err == nil && math.Abs(want-got) <= 1e-5*max(math.Abs(want), math.Abs(got))
}
