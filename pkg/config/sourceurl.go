package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Author is who wrote a source, which decides what it may read.
type Author int

const (
	// Administrator writes the configuration, and may read whatever PCP can: files of its container, too.
	Administrator Author = iota
	// PodAuthor annotates a pod, and may read by HTTP what is neither PCP's own nor the node's.
	PodAuthor
)

func (a Author) schemes() []string {
	if a == Administrator {
		return []string{"http", "https", "file"}
	}
	return []string{"http", "https"}
}

// checkURL checks the URL of a source. The errors do not repeat it: it may hold a password.
func checkURL(raw string, author Author) error {
	if raw == "" {
		return errors.New("must be the exporter's URL, e.g. http://localhost:9100/metrics")
	}
	if err := checkCharacters(raw); err != nil {
		return err
	}
	scheme, rest, _ := strings.Cut(raw, "://")
	if schemes := author.schemes(); !slices.Contains(schemes, scheme) {
		return fmt.Errorf("must be a URL that starts with %s", strings.Join(schemes, "://, ")+"://")
	}
	if strings.ContainsFunc(raw, unicode.IsSpace) {
		return errors.New("the URL must not contain white space")
	}
	if scheme == "file" {
		return checkFilePath(rest)
	}
	if err := checkHost(raw); err != nil || author == Administrator {
		return err
	}
	return checkOwnURL(raw)
}

// checkFilePath checks what follows file://, which the agent opens as it stands: no host, no percent-decoding.
func checkFilePath(path string) error {
	if !strings.HasPrefix(path, "/") || strings.HasSuffix(path, "/") {
		return errors.New("must name a file by its absolute path, e.g. file:///run/metrics.prom")
	}
	return nil
}

func checkHost(raw string) error {
	parsed, err := url.Parse(raw)
	if err != nil {
		return errors.New("the URL cannot be parsed: see its host, its port and its % escapes")
	}
	if parsed.Hostname() == "" {
		return errors.New("the URL must name a host, e.g. http://localhost:9100/metrics")
	}
	port := parsed.Port()
	if number, err := strconv.Atoi(port); port != "" && (err != nil || number < 1 || number > 65535) {
		return errors.New("the port must be between 1 and 65535")
	}
	return nil
}

var userinfo = regexp.MustCompile(`(?s)//.*@`)

// redactURL is the URL for an error message: without user and password, and without the query, which may hold a token.
func redactURL(raw string) string {
	raw, _, query := strings.Cut(userinfo.ReplaceAllString(raw, "//xxxxx@"), "?")
	if query {
		raw += "?xxxxx"
	}
	return raw
}
