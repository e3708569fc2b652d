package config

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// headerName is a token of RFC 9110.
var headerName = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

var (
	metadataTypes     = []string{"double", "float", "u64", "64", "u32", "32"}
	metadataSemantics = []string{"counter", "instant", "discrete"}
)

// checkCharacters refuses what does not survive in a line of a text file.
func checkCharacters(line string) error {
	switch {
	case !utf8.ValidString(line):
		return errors.New("must be UTF-8")
	case strings.Contains(line, "\r"):
		return errors.New("must not contain a carriage return: lines end in a line feed alone")
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
func checkFilter(text string) error {
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
		return errors.New(`the regular expression must not contain ":", where the agent cuts it off: write "." instead`)
	}
	return checkRegexp(strings.Join(words[2:], " "))
}

// checkFilterText checks a filter that has not been a line of a file yet.
func checkFilterText(text string) error {
	if strings.Contains(text, "\n") {
		return errors.New("must be one line")
	}
	if err := checkCharacters(text); err != nil {
		return err
	}
	return checkFilter(text)
}

// checkMetadata checks the text of a METADATA: line, whose fields the agent splits at every single space.
func checkMetadata(text string) error {
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
	return checkRegexp(fields[1])
}
