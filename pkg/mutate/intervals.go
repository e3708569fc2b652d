package mutate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/sets"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// intervals are those of single OpenMetrics sources, in the form that the step openmetrics-intervals.sh reads: <name>=<seconds>.
func (i *Injector) intervals(s *settings) []string {
	if !i.archivesOpenMetrics(s) {
		return nil
	}
	all := maps.Clone(s.intervals)
	if all == nil {
		all = map[string]int32{}
	}
	maps.Copy(all, i.ownIntervals)
	words := make([]string, 0, len(all))
	for _, name := range slices.Sorted(maps.Keys(all)) {
		words = append(words, fmt.Sprintf("%s=%d", name, all[name]))
	}
	return words
}

// intervalsOf are the configuration's intervals, by the agent's names for the sources.
func intervalsOf(cfg *config.OpenMetrics) map[string]int32 {
	intervals := map[string]int32{}
	for name, seconds := range cfg.Intervals {
		if clean, err := config.SourceName(name); err == nil {
			intervals[clean] = seconds
		}
	}
	return intervals
}

// addIntervals reads the annotation. A pod decides only about its own sources, including discovered ones.
func (i *Injector) addIntervals(value string, s *settings) field.ErrorList {
	path := annotationPath(AnnotationIntervals)
	if problem := tooLong(AnnotationIntervals, value, maxList); problem != nil {
		return field.ErrorList{problem}
	}
	if !i.archivesOpenMetrics(s) {
		return field.ErrorList{field.Forbidden(path, "no source is archived: that needs pmcd and pmlogger among the services, and openMetrics.enabled and openMetrics.archive in the injector's configuration: remove the annotation")}
	}
	var problems field.ErrorList
	s.intervals, s.custom = map[string]int32{}, true
	names := sets.New[string]()
	for _, source := range s.sources {
		names.Insert(source.name)
	}
	for n, word := range splitList(value) {
		name, seconds, err := i.parseInterval(word, s, names)
		if err != nil {
			problems = append(problems, field.Invalid(path.Index(n), word, err.Error()))
			continue
		}
		s.intervals[name] = seconds
	}
	return problems
}

func (i *Injector) parseInterval(word string, s *settings, names sets.Set[string]) (string, int32, error) {
	text, number, _ := strings.Cut(word, "=")
	seconds, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return "", 0, fmt.Errorf("must be <name>=<seconds>, e.g. app=%d", min(5, i.cfg.OpenMetrics.Interval))
	}
	name, err := config.SourceName(text)
	if err != nil {
		return "", 0, fmt.Errorf("the name %w", err)
	}
	_, configured := i.ownIntervals[name]
	_, twice := s.intervals[name]
	switch {
	case configured:
		err = fmt.Errorf("openMetrics.intervals of the injector's configuration already has %q: remove it", name)
	case twice:
		err = fmt.Errorf("names the source %q again: remove one", name)
	case !names.Has(name):
		err = fmt.Errorf("the pod has no source of this name: add the annotation %s%s, or remove it", OpenMetricsPrefix, text)
	default:
		err = i.cfg.OpenMetrics.CheckInterval(int32(seconds))
	}
	return name, int32(seconds), err
}
