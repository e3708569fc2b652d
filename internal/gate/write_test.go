package gate_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

var update = flag.Bool("update", false, "write the golden files of testdata")

// hostile is what anyone may write into an annotation.
const hostile = "the pod template has pcp.io/inject: \"\x1b[2Jyes\u202e\nfake line\", which must be \"true\" or \"false\", as only those two values have a meaning"

var here, target = remedy.InNamespace.Is("monitoring"), remedy.Object.Is("deployment/node-monitor")

func report(results ...gate.Result) *gate.Report {
	all := []gate.Gate{
		{Name: "webhook", Result: gate.Passed, Evidence: "MutatingWebhookConfiguration pcp-injector.pcp-system"},
		{Name: "request", Result: gate.Failed, Evidence: hostile, Remedy: remedy.Ask.With(here, target, remedy.Patch.Is(`{"spec":{}}`))},
		{Name: "quota", Result: gate.Unknown, Evidence: "unknown, because you lack a right: resourcequotas is forbidden: User \"alice\" cannot list resource \"resourcequotas\"", Remedy: remedy.OtherRelease.With()},
	}
	r := &gate.Report{Subject: "deployment/node-monitor in namespace monitoring"}
	for _, g := range all {
		for _, result := range results {
			if g.Result == result {
				r.Gates = append(r.Gates, g)
			}
		}
	}
	return r
}

// several is a report whose gates have another order of remedies than their own, two of them with the same remedy.
func several() *gate.Report {
	restart := remedy.Restart.With(remedy.Prose.Is("Replace the pods"), here, target).NotBefore(2)
	return &gate.Report{Subject: "deployment/node-monitor in namespace monitoring", Gates: []gate.Gate{
		{Name: "pod", Result: gate.Failed, Evidence: "pod a is older", Remedy: restart},
		{Name: "pod", Result: gate.Failed, Evidence: "pod b is older", Remedy: restart},
		{Name: "webhook", Result: gate.Failed, Evidence: "it is old", Remedy: remedy.RestoreClaim.With()},
		{Name: "limits", Result: gate.Failed, Evidence: "nothing helps"},
		{Name: "claims", Result: gate.Failed, Evidence: "there is none", Remedy: remedy.CreateBudget.With()},
	}}
}

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file   string
		report *gate.Report
		style  gate.Style
		want   gate.Result
	}{
		{"failed.txt", report(gate.Passed, gate.Failed, gate.Unknown), gate.Style{}, gate.Failed},
		{"failed-color.txt", report(gate.Passed, gate.Failed, gate.Unknown), gate.Style{Color: true}, gate.Failed},
		{"failed-ascii.txt", report(gate.Passed, gate.Failed, gate.Unknown), gate.Style{ASCII: true}, gate.Failed},
		{"order.txt", several(), gate.Style{}, gate.Failed},
		{"unknown.txt", report(gate.Passed, gate.Unknown), gate.Style{}, gate.Unknown},
		{"passed.txt", report(gate.Passed), gate.Style{}, gate.Passed},
	} {
		t.Run(test.file, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if err := test.report.Write(&out, test.style); err != nil {
				t.Fatal(err)
			}
			if got := test.report.Result(); got != test.want {
				t.Errorf("the result is %s, want %s", got, test.want)
			}
			requireGolden(t, test.file, out.Bytes())
			requireNarrow(t, out.String(), test.style)
		})
	}
}

// requireGolden compares the output with a file of testdata.
func requireGolden(t *testing.T, file string, output []byte) {
	t.Helper()
	path := filepath.Join("testdata", file)
	if *update {
		if err := os.WriteFile(path, output, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(output)); diff != "" {
		t.Errorf("output (-want +got):\n%s", diff)
	}
}

// command matches a line that is to be copied.
var command = regexp.MustCompile(`^ +(kubectl|helm) `)

// requireNarrow fails if a line other than a command is wider than a terminal, or if text from the cluster could steer the terminal.
func requireNarrow(t *testing.T, text string, style gate.Style) {
	t.Helper()
	if style.Color {
		return
	}
	if strings.Contains(text, "\x1b") {
		t.Error("an escape sequence came through")
	}
	for line := range strings.Lines(text) {
		if utf8.RuneCountInString(strings.TrimRight(line, "\n")) > gate.Width && !command.MatchString(line) {
			t.Errorf("the line is wider than %d columns: %s", gate.Width, line)
		}
	}
}
