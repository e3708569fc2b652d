package main

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

var verbs = []string{"check", "explain", "inject", "rehearse", "status", "uninject", "upgrade", "verify"}

// TestHelpIsNarrow: everything fits a terminal, except examples, which are there to be copied.
func TestHelpIsNarrow(t *testing.T) {
	t.Parallel()
	for _, verb := range verbs {
		help := execute("", verb, "--help").stdout
		before, examples, found := strings.Cut(help, "\nExamples:\n")
		_, after, flags := strings.Cut(examples, "\nFlags:\n")
		if !found || !flags {
			t.Fatalf("%s --help has no examples or flags:\n%s", verb, help)
		}
		for line := range strings.Lines(before + after) {
			if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > gate.Width {
				t.Errorf("%s --help has a line of %d columns: %s", verb, width, line)
			}
		}
	}
}

// TestCompletion: shells show the descriptions of flags literally.
func TestCompletion(t *testing.T) {
	t.Parallel()
	for _, verb := range verbs {
		got := execute("", "__complete", verb, "--")
		if got.code != exitDone || !strings.Contains(got.stdout, "--") || strings.Contains(got.stdout, "`") {
			t.Errorf("%s --<TAB> ends with %d, want descriptions without backquotes:\n%s", verb, got.code, got.stdout)
		}
	}
	for verb, formats := range map[string]string{"verify": "json\nyaml\n:", "status": "json\nyaml\nwide\n:"} {
		if got := execute("", "__complete", verb, "--output", ""); !strings.HasPrefix(got.stdout, formats) {
			t.Errorf("%s --output <TAB> says %q", verb, got.stdout)
		}
	}
}
