package oracle

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/performancecopilot/pcp-injector/archive"
)

// Descriptions compares type, domain, semantics and units of each metric with what pminfo prints, and the labels and help texts.
func Descriptions(ctx context.Context, tools Tools, path string, a *archive.Archive) (int, error) {
	printed, err := tools(ctx, "pminfo", "-a", path, "-d", "-t", "-l")
	if err != nil {
		return 0, err
	}
	metrics, err := a.Metrics("")
	if err != nil {
		return 0, err
	}
	end, err := a.End()
	if err != nil {
		return 0, err
	}
	theirs := described(printed)
	var found differences
	for _, metric := range metrics {
		want, exists := theirs[metric.Name]
		if !exists {
			found.addf("pminfo has no %s", metric.Name)
			continue
		}
		found.description(a, metric, want, end)
	}
	return len(metrics), errors.Join(found...)
}

// described are the lines that pminfo prints of each metric.
func described(printed string) map[string]string {
	out := map[string]string{}
	for part := range strings.SplitSeq(printed, "\n\n") {
		head, lines, _ := strings.Cut(strings.TrimSpace(part), "\n")
		if name, help, _ := strings.Cut(head, " "); name != "" {
			out[name] = help + "\n" + lines + "\n"
		}
	}
	return out
}

func (d *differences) description(a *archive.Archive, metric *archive.Metric, want string, at time.Time) {
	units := metric.Units.String()
	if units == "" {
		units = "none"
	}
	help, _ := a.Help(metric)
	lines := []string{
		"Data Type: " + metric.Type.String() + "  InDom: ", "  Units: " + units + "\n", help,
	}
	if metric.Semantics != 0 {
		lines = append(lines, "Semantics: "+metric.Semantics.String()+" ")
	}
	if metric.Domain != archive.Singular {
		lines = append(lines, "InDom: "+metric.Domain.String()+" ")
	}
	for _, line := range lines {
		if !strings.Contains(want, line) {
			d.addf("%s: pminfo has %q, we have %q", metric.Name, want, line)
		}
	}
	labels, err := a.Labels(metric, archive.NoInstance, at)
	if err != nil {
		d.addf("%v", err)
	}
	// pminfo leaves out those of clusters, except for the first metric.
	if printed := firstLine(want, "labels {"); !strings.Contains(want, "inst [") {
		d.labels(metric.Name, printed, labels)
	}
}

var labelPair = regexp.MustCompile(`"(\w+)":("[^"]*"|[^,}]*)`)

func (d *differences) labels(metric, printed string, ours map[string]string) {
	for _, pair := range labelPair.FindAllStringSubmatch(printed, -1) {
		if got, exists := ours[pair[1]]; !exists || got != strings.Trim(pair[2], `"`) {
			d.addf("%s: pminfo has the label %s, we have %v", metric, pair[0], ours)
		}
	}
}

func firstLine(text, with string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if strings.Contains(line, with) {
			return line
		}
	}
	return ""
}

// Recorded compares the rates between samples as they were recorded, and counters as they are, with what pmval prints.
func Recorded(ctx context.Context, tools Tools, path string, a *archive.Archive, metric string) (int, error) {
	samples := archive.Rates(a.Samples(archive.Query{Metrics: []string{metric}}))
	return compare(ctx, tools, a, samples, metric, "-U", path)
}

// Interpolated compares rates, or plain values if raw is set, at equal distances with what pmval prints.
func Interpolated(ctx context.Context, tools Tools, path string, a *archive.Archive, metric string, interval time.Duration, raw bool) (int, error) {
	samples := a.Interpolate(archive.Query{Metrics: []string{metric}}, interval)
	arguments := []string{"-a", path, "-t", fmt.Sprintf("%gsec", interval.Seconds())}
	if raw {
		arguments = append(arguments, "-r")
	} else {
		samples = archive.Rates(samples)
	}
	return compare(ctx, tools, a, samples, metric, arguments...)
}

const (
	column = 24
	digits = 6
)

func compare(
	ctx context.Context, tools Tools, a *archive.Archive, samples iter.Seq2[archive.Sample, error], metric string, arguments ...string,
) (int, error) {
	arguments = append(arguments, "-Z", "UTC", "-f", strconv.Itoa(digits), "-w", strconv.Itoa(column), metric)
	printed, err := tools(ctx, "pmval", arguments...)
	if err != nil {
		return 0, err
	}
	theirs := table(printed)
	if len(theirs) == 0 {
		return 0, nil
	}
	ours := map[string]map[string]float64{}
	instances := a.Instances(a.Metric(metric))
	for sample, err := range samples {
		if err != nil {
			return 0, err
		}
		for _, set := range sample.Sets {
			at := sample.Time.UTC().Truncate(time.Millisecond).Format("15:04:05.000")
			ours[at] = map[string]float64{}
			for _, value := range set.Values {
				if column := columnOf(instances, value); column >= 0 {
					ours[at][strconv.Itoa(column)] = value.Float64()
				}
			}
		}
	}
	return compareTables(metric, theirs, ours)
}

// columnOf is where pmval prints an instance: in the order of their numbers. It has none for those that the metadata does not know.
func columnOf(instances []archive.Instance, value archive.Value) int {
	if value.Instance == archive.NoInstance {
		return 0
	}
	return slices.IndexFunc(instances, func(i archive.Instance) bool { return i.ID == value.Instance })
}

var tableLine = regexp.MustCompile(`^(\d\d:\d\d:\d\d\.\d{3})\s+(.*)$`)

// table are pmval's values by time and column; without those that it does not have.
func table(printed string) map[string]map[string]float64 {
	out := map[string]map[string]float64{}
	for line := range strings.SplitSeq(printed, "\n") {
		parts := tableLine.FindStringSubmatch(line)
		if parts == nil {
			continue
		}
		out[parts[1]] = map[string]float64{}
		if strings.Contains(parts[2], "No values") {
			continue
		}
		for at, field := range strings.Fields(parts[2]) {
			if value, err := strconv.ParseFloat(field, 64); err == nil {
				out[parts[1]][strconv.Itoa(at)] = value
			}
		}
	}
	return out
}

// compareTables allows for what pmval loses when it subtracts times in seconds since 1970, as floating point numbers: 0.2 µs each.
func compareTables(metric string, theirs, ours map[string]map[string]float64) (int, error) {
	var found differences
	count := 0
	first := slices.Min(slices.Collect(maps.Keys(theirs)))
	for at, row := range theirs {
		for column, want := range row {
			count++
			got, exists := ours[at][column]
			if !exists {
				found.addf("%s: %s, column %s: pmval has %g, we have none", metric, at, column, want)
			} else if math.Abs(got-want) > 2e-6+5e-4*math.Abs(want) {
				found.addf("%s: %s, column %s: pmval has %.9g, we have %.9g", metric, at, column, want, got)
			}
		}
		for column, got := range ours[at] {
			// The first time is the start of the archive, which pmval rounds down, to before the first value.
			if _, exists := row[column]; !exists && at != first {
				found.addf("%s: %s, column %s: pmval has none, we have %g", metric, at, column, got)
			}
		}
	}
	return count, errors.Join(found...)
}

// All compares everything, and every numeric metric's rates: those of the archive, and at equal distances.
func All(ctx context.Context, tools Tools, path string, a *archive.Archive, interval time.Duration) (int, error) {
	var found []error
	total := 0
	note := func(count int, err error) {
		total += count
		if err != nil {
			found = append(found, err)
		}
	}
	note(Values(ctx, tools, path, a))
	note(Descriptions(ctx, tools, path, a))
	for _, metric := range sampled {
		if a.Metric(metric) == nil {
			continue
		}
		note(Recorded(ctx, tools, path, a, metric))
		note(Interpolated(ctx, tools, path, a, metric, interval, false))
		note(Interpolated(ctx, tools, path, a, metric, interval, true))
	}
	if total == 0 {
		found = append(found, errors.New("nothing was compared"))
	}
	return total, errors.Join(found...)
}

// sampled are metrics of all numeric types and semantics, singular and with instances that come and go.
var sampled = []string{
	"kernel.all.cpu.user", "kernel.percpu.cpu.idle", "kernel.all.load", "kernel.all.intr", "mem.util.free", "disk.dev.read", "disk.dev.total_bytes",
	"hinv.ncpu", "network.interface.in.bytes", "proc.psinfo.utime", "proc.psinfo.rss", "sample.milliseconds", "sample.drift", "sample.dodgey.value",
}
