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
)

var update = flag.Bool("update", false, "write the golden files of testdata")

// hostile is what anyone may write into an annotation.
const hostile = "the pod template has pcp.io/inject: \"\x1b[2Jyes\u202e\nfake line\", which must be \"true\" or \"false\", as only those two values have a meaning"

func report(results ...gate.Result) *gate.Report {
	all := []gate.Gate{
		{Name: "webhook", Result: gate.Passed, Evidence: "MutatingWebhookConfiguration pcp-injector.pcp-system"},
		{Name: "request", Result: gate.Failed, Evidence: hostile, Remedy: &gate.Remedy{
			Advice: "Ask for PCP on the pod template", Commands: []string{"kubectl --namespace monitoring patch deployment/node-monitor --type merge --patch '{\"spec\":{}}'", "kubectl apply -f - <<END\n{}\nEND"},
		}},
		{Name: "quota", Result: gate.Unknown, Evidence: "unknown, because you lack a right: resourcequotas is forbidden: User \"alice\" cannot list resource \"resourcequotas\"", Remedy: &gate.Remedy{
			Advice: "Have the administrator grant it, or ask the administrator to run this command, who sees all that there is to be seen",
		}},
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
	restart := &gate.Remedy{Advice: "Replace the pods", Commands: []string{"kubectl rollout restart deployment/node-monitor"}, Order: 2}
	return &gate.Report{Subject: "deployment/node-monitor in namespace monitoring", Gates: []gate.Gate{
		{Name: "pod", Result: gate.Failed, Evidence: "pod a is older", Remedy: restart},
		{Name: "pod", Result: gate.Failed, Evidence: "pod b is older", Remedy: restart},
		{Name: "webhook", Result: gate.Failed, Evidence: "it is old", Remedy: gate.Do("Have the administrator upgrade it", "helm upgrade pcp-injector CHART --namespace NAMESPACE").Noting("Read the notes of the release first")},
		{Name: "limits", Result: gate.Failed, Evidence: "nothing helps"},
		{Name: "claims", Result: gate.Failed, Evidence: "there is none", Remedy: gate.Do("Have the administrator restore it", "helm upgrade pcp-injector CHART --namespace NAMESPACE --set a=b")},
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
