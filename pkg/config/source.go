package config

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// An OpenMetrics source is a file <name>.url in the agent's folder config.d. What follows is its grammar as the agent's
// parse_url_config reads it, made strict: the agent ignores lines that it does not know, and a broken filter makes it drop
// every metric with no more than a line in its own log.
// https://github.com/performancecopilot/pcp/blob/main/src/pmdas/openmetrics/pmdaopenmetrics.python

// maxSourceName is that of an annotation's name, so that every source can be written in either place.
const maxSourceName = 63

var (
	sourceName      = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)
	sourceSeparator = strings.NewReplacer("-", "_", ".", "_")
)

// SourceName is the name under which the agent knows a source, with - and . turned into _: the metrics of node-exporter
// are openmetrics.node_exporter.*. The error is the detail of a field error.
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

// CheckSourceFile finds everything that is wrong with the content of a .url file: the URL on line 1, of those that its author may
// read, then HEADER:, FILTER: and METADATA: lines, comments and blank lines. The errors name the line, and never contain a
// URL or a header's value, which may hold secrets.
func CheckSourceFile(content string, author Author) []error {
	var problems []error
	seen := map[string]int{}
	for n, line := range strings.Split(content, "\n") {
		if err := checkSourceLine(n, line, author, seen); err != nil {
			problems = append(problems, fmt.Errorf("line %d: %w", n+1, err))
		}
	}
	return problems
}

// checkSourceLine checks line n, counted from 0; seen holds the lines of the headers so far, by lower-case name.
func checkSourceLine(n int, line string, author Author, seen map[string]int) error {
	if err := checkCharacters(line); err != nil {
		return err
	}
	if n == 0 {
		return checkURL(line, author)
	}
	if strings.TrimSpace(line) == "" || strings.HasPrefix(line, "#") {
		return nil
	}
	keyword, text, _ := strings.Cut(line, ":")
	switch keyword {
	case "HEADER":
		return checkHeaderLine(n, text, seen)
	case "FILTER":
		return checkFilter(text)
	case "METADATA":
		return checkMetadata(text)
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
