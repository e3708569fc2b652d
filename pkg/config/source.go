package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/internal/work"
)

// An OpenMetrics source is a file <name>.url in the agent's folder config.d. Below is the grammar that the agent's parse_url_config reads,
// made strict: the agent ignores lines that it does not know, and drops every metric because of a broken filter, with only a line in its
// own log.
// https://github.com/performancecopilot/pcp/blob/main/src/pmdas/openmetrics/pmdaopenmetrics.python

// maxSourceName is the limit of an annotation's name, so a pod and the configuration can use the same names.
const maxSourceName = 63

var (
	sourceName      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	sourceSeparator = strings.NewReplacer("-", "_", ".", "_")
)

// SourceName returns the agent's name for a source, with - and . turned into _: the metrics of node-exporter are
// openmetrics.node_exporter.*. The error is the detail of a field error.
func SourceName(name string) (string, error) {
	clean := sourceSeparator.Replace(name)
	switch {
	case len(name) > maxSourceName:
		return "", fmt.Errorf("must be no more than %d characters", maxSourceName)
	case !sourceName.MatchString(clean):
		return "", errors.New(`must start with a letter and consist of letters, digits, "_", "-" and ".": it becomes part of the metrics' names`)
	case clean == "control":
		return "", errors.New("is reserved for the agent's own metrics: choose another name")
	}
	return clean, nil
}

// CheckSourceFile finds everything that is wrong with the content of a .url file. Line 1 is a URL that its author may read. HEADER:,
// FILTER: and METADATA: lines, comments and blank lines follow. The errors name the line, and never contain a URL or a header's value,
// which may hold secrets. It stops where the budget is exceeded, and says so.
func CheckSourceFile(content string, author Author, budget *work.Budget) []error {
	var problems []error
	file := sourceFile{author: author, headers: map[string]int{}, budget: budget}
	for n, line := range strings.Split(content, "\n") {
		err := file.check(n, line)
		if err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", n+1, err))
		}
		if errors.Is(err, errTooMuchWork) {
			break
		}
	}
	return problems
}

// sourceFile is a .url file that is being checked.
type sourceFile struct {
	author Author
	// headers are the lines of the headers so far, by lower-case name.
	headers map[string]int
	budget  *work.Budget
}

// check checks line n, counted from 0.
func (f *sourceFile) check(n int, line string) error {
	if !f.budget.Spend(1 + len(line)) {
		return errTooMuchWork
	}
	if err := checkCharacters(line); err != nil {
		return err
	}
	if n == 0 {
		return checkURL(line, f.author)
	}
	if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	keyword, text, _ := strings.Cut(line, ":")
	switch keyword {
	case "HEADER":
		return checkHeaderLine(n, text, f.headers)
	case "FILTER":
		return checkFilter(text, f.budget)
	case "METADATA":
		return checkMetadata(text, f.budget)
	}
	return errors.New(`must be blank, a comment (#), or start with "HEADER:", "FILTER:" or "METADATA:"`)
}

func checkHeaderLine(n int, text string, seen map[string]int) error {
	name, value, found := strings.Cut(text, ":")
	if !found {
		return errors.New(`must be "HEADER: <name>: <value>"`)
	}
	name = strings.TrimSpace(name)
	if err := checkHeader(name, strings.TrimLeft(value, " \t")); err != nil {
		return err
	}
	key := strings.ToLower(name)
	if first, again := seen[key]; again {
		return fmt.Errorf("header %s is already set on line %d", name, first+1)
	}
	seen[key] = n
	return nil
}

// File is the content of the .url file that describes the endpoint to the agent.
func (e Endpoint) File() string {
	var file strings.Builder
	file.WriteString(e.URL + "\n")
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		file.WriteString("HEADER: " + name + ": " + e.Headers[name] + "\n")
	}
	for _, filter := range e.Filters {
		file.WriteString("FILTER: " + filter + "\n")
	}
	return file.String()
}

// headerName is a token of RFC 9110.
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

var (
	metadataTypes     = []string{"double", "float", "u64", "64", "u32", "32"}
	metadataSemantics = []string{"counter", "instant", "discrete"}
)

// checkCharacters refuses characters that a line of the file cannot hold.
func checkCharacters(line string) error {
	switch {
	case !utf8.ValidString(line):
		return errors.New("must be UTF-8")
	case strings.Contains(line, "\r"):
		return errors.New("must not contain a carriage return: lines end with a line feed only")
	case strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) && r != '\t' }):
		return errors.New("must not contain control characters")
	}
	return nil
}

// checkHeader checks an HTTP header. The errors name the header, never its value.
func checkHeader(name, value string) error {
	if !headerName.MatchString(name) {
		return errors.New("the name of the header must consist of letters, digits and !#$%&'*+.^_`|~-")
	}
	if strings.ContainsFunc(value, func(r rune) bool { return r != '\t' && (r < ' ' || r > '~') }) {
		return fmt.Errorf("the value of header %s must be printable ASCII on one line", name)
	}
	return nil
}

// checkFilter checks the text of a FILTER: line.
func checkFilter(text string, budget *work.Budget) error {
	words := strings.Fields(text)
	if len(words) < 3 || !slices.Contains([]string{"INCLUDE", "EXCLUDE", "OPTIONAL"}, words[0]) ||
		!slices.Contains([]string{"METRIC", "LABEL"}, words[1]) {
		return errors.New(`must be "INCLUDE METRIC <regex>", "EXCLUDE METRIC <regex>", "INCLUDE LABEL <regex>", ` +
			`"EXCLUDE LABEL <regex>" or "OPTIONAL LABEL <regex>"`)
	}
	if words[0] == "OPTIONAL" && words[1] == "METRIC" {
		return errors.New("OPTIONAL applies to labels only: the agent drops the metrics that match it")
	}
	if strings.Contains(text, ":") {
		return errors.New(`the regular expression must not contain ":", because the agent cuts it off there: use "." instead`)
	}
	return checkRegexp(strings.Join(words[2:], " "), budget)
}

// checkFilterText checks a filter of the configuration, which unlike a line of a file can have several lines.
func checkFilterText(text string, budget *work.Budget) error {
	if strings.Contains(text, "\n") {
		return errors.New("must be one line")
	}
	if err := checkCharacters(text); err != nil {
		return err
	}
	return checkFilter(text, budget)
}

// checkMetadata checks the text of a METADATA: line, whose fields the agent splits at every single space.
func checkMetadata(text string, budget *work.Budget) error {
	fields := strings.Split(text, " ")
	if len(fields) < 6 || fields[0] != "" || slices.Contains(fields[1:], "") {
		return errors.New(`must be "METADATA: <regex> <type> <indom> <semantics> <units>", separated by single spaces`)
	}
	if !slices.Contains(metadataTypes, fields[2]) {
		return fmt.Errorf("the type must be one of %s", strings.Join(metadataTypes, ", "))
	}
	if !slices.Contains(metadataSemantics, fields[4]) {
		return fmt.Errorf("the semantics must be one of %s", strings.Join(metadataSemantics, ", "))
	}
	return checkRegexp(fields[1], budget)
}

func (o *OpenMetrics) validate(path *field.Path) field.ErrorList {
	errs := checkOptionalName(path.Child("pmlogconfConfigMapName"), o.PmlogconfConfigMapName, validation.IsDNS1123Subdomain)
	errs = append(errs, checkOptionalName(path.Child("secretName"), o.SecretName, validation.IsDNS1123Subdomain)...)
	if o.CABundle != (FileSource{}) {
		errs = append(errs, o.CABundle.validate(path.Child("caBundle"))...)
	}
	if !o.Enabled {
		errs = append(errs, checkOptionalName(path.Child("configMapName"), o.ConfigMapName, validation.IsDNS1123Subdomain)...)
		return append(errs, o.validateDisabled(path)...)
	}
	errs = append(errs, checkName(path.Child("configMapName"), o.ConfigMapName, validation.IsDNS1123Subdomain)...)
	if o.ConfigMapName != "" && o.ConfigMapName == o.PmlogconfConfigMapName {
		errs = append(errs, field.Invalid(path.Child("pmlogconfConfigMapName"), o.PmlogconfConfigMapName,
			"is also openMetrics.configMapName: each needs its own"))
	}
	errs = append(errs, o.validateIntervals(path)...)
	return append(errs, validateEndpoints(path.Child("endpoints"), o.Endpoints)...)
}

// MaxInterval is the longest interval of archives, in seconds.
const MaxInterval = 3600

func (o *OpenMetrics) validateIntervals(path *field.Path) field.ErrorList {
	if o.Interval < 1 || o.Interval > MaxInterval {
		return field.ErrorList{field.Invalid(path.Child("interval"), o.Interval, fmt.Sprintf("must be from 1 to %d seconds", MaxInterval))}
	}
	if len(o.Intervals) > 0 && !o.Archive {
		return field.ErrorList{field.Forbidden(path.Child("intervals"), "needs openMetrics.archive: otherwise no source is archived")}
	}
	var errs field.ErrorList
	first := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(o.Intervals)) {
		item := path.Child("intervals").Key(name)
		clean, err := SourceName(name)
		if err == nil {
			err = o.CheckInterval(o.Intervals[name])
		}
		if err != nil {
			errs = append(errs, field.Invalid(item, o.Intervals[name], err.Error()))
		}
		if other, taken := first[clean]; taken && clean != "" {
			errs = append(errs, field.Invalid(item, o.Intervals[name], fmt.Sprintf("is of the same source as %q, because the agent calls both %q: remove one", other, clean)))
		}
		first[clean] = name
	}
	return errs
}

// CheckInterval checks the interval of a single source, in seconds, which pods may also set by annotation. The error is the detail of a field error.
func (o *OpenMetrics) CheckInterval(seconds int32) error {
	if seconds < 1 || seconds > o.Interval {
		return fmt.Errorf("must be from 1 to openMetrics.interval, %d seconds, at which pmlogger archives all sources", o.Interval)
	}
	return nil
}

func (o *OpenMetrics) validateDisabled(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if len(o.Endpoints) > 0 {
		errs = append(errs, field.Forbidden(path.Child("endpoints"), "needs openMetrics.enabled: otherwise nothing reads them"))
	}
	if o.CABundle != (FileSource{}) {
		errs = append(errs, field.Forbidden(path.Child("caBundle"), "needs openMetrics.enabled: otherwise nothing reads it"))
	}
	if len(o.Intervals) > 0 {
		errs = append(errs, field.Forbidden(path.Child("intervals"), "needs openMetrics.enabled: otherwise nothing reads the sources"))
	}
	if o.Discover {
		errs = append(errs, field.Forbidden(path.Child("discover"), "needs openMetrics.enabled: otherwise nothing reads the sources"))
	}
	return errs
}

func validateEndpoints(path *field.Path, endpoints map[string]Endpoint) field.ErrorList {
	var errs field.ErrorList
	first := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(endpoints)) {
		item := path.Key(name)
		errs = append(errs, endpoints[name].validate(item)...)
		clean, err := SourceName(name)
		if err != nil {
			errs = append(errs, field.Invalid(item, name, err.Error()))
			continue
		}
		if other, taken := first[clean]; taken {
			errs = append(errs, field.Invalid(item, name, fmt.Sprintf("collides with %q, because the agent calls both %q: rename one", other, clean)))
			continue
		}
		first[clean] = name
	}
	return errs
}

// maxEndpointSteps is for the filters of one endpoint: some 60 KiB of expressions.
const maxEndpointSteps = 1 << 20

// validate checks one endpoint. Its errors show neither a header's value nor the parts of a URL that may be secret.
func (e Endpoint) validate(path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if err := checkURL(e.URL, Administrator); err != nil && e.URL == "" {
		errs = append(errs, field.Required(path.Child("url"), err.Error()))
	} else if err != nil {
		errs = append(errs, field.Invalid(path.Child("url"), redactURL(e.URL), err.Error()))
	}
	first := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		item := path.Child("headers").Key(name)
		if err := checkHeader(name, e.Headers[name]); err != nil {
			errs = append(errs, field.Invalid(item, field.OmitValueType{}, err.Error()))
		}
		if other, taken := first[strings.ToLower(name)]; taken {
			errs = append(errs, field.Invalid(item, field.OmitValueType{}, fmt.Sprintf("is the same header as %q: remove one", other)))
		}
		first[strings.ToLower(name)] = name
	}
	budget := work.NewBudget(maxEndpointSteps)
	for n, filter := range e.Filters {
		if err := checkFilterText(filter, budget); err != nil {
			errs = append(errs, field.Invalid(path.Child("filters").Index(n), filter, err.Error()))
		}
	}
	return errs
}
