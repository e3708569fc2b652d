package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/pmproxy"
	"github.com/performancecopilot/pcp-injector/internal/verify"
)

var noon = time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)

// statuses are of typical pods, one of which tries to steer the terminal.
var statuses = []podStatus{
	{
		Namespace: "monitoring", Pod: "node-monitor-5d4f8c7b9-x2x7k", Node: "a", Ready: true, Created: noon.Add(-72 * time.Hour), State: verify.Current,
		Version: "7.2.2", Sources: []pmproxy.Source{{Name: "app", Result: pmproxy.Reachable}, {Name: "db", Result: pmproxy.Reachable}}, Archives: &archives{Files: 42, Bytes: 12 << 20},
	},
	{
		Namespace: "monitoring", Pod: "node-monitor-b", Node: "b", Ready: true, Restarts: 3, Created: noon.Add(-time.Hour), State: verify.Upgraded,
		Version: "7.2.2", Archives: &archives{Files: 3, Bytes: 1536},
		Sources: []pmproxy.Source{
			{Name: "app", Result: pmproxy.Unreachable, Problem: "Failed to establish a new connection: [Errno 111] Connection refused"},
			{Name: "db", Result: pmproxy.Unreachable, Problem: "\x1b[2J\u202enonsense"},
			{Name: "new", Result: pmproxy.Untried},
		},
	},
	{
		Namespace: "other", Pod: "node-monitor-c", Node: "c", Ready: true, Created: noon.Add(-time.Minute), State: verify.Stale,
		Unknown: []string{
			`PCP's version and sources are unknown, because you lack a right: pods "node-monitor-c" is forbidden: User "alice" cannot create resource "pods/portforward" in API group "" in the namespace "other"`,
			"the archives' size is unknown, because it could not be read: waited 5s for an answer",
		},
	},
	{
		Namespace: "other", Pod: "node-monitor-d", Node: "", Created: noon.Add(-time.Second), State: verify.Tampered, Unknown: []string{"PCP's container is not running"},
	},
}

var escapes = regexp.MustCompile("\x1b\\[\\d+m")

// TestStatusTable: the text is the same with and without color, and text from a pod does not steer the terminal.
func TestStatusTable(t *testing.T) {
	t.Parallel()
	var plain string
	for _, test := range []struct {
		file  string
		style gate.Style
	}{{"status.txt", gate.Style{}}, {"status-color.txt", gate.Style{Color: true}}} {
		var out bytes.Buffer
		if err := writeStatus(&out, statuses, test.style, noon); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", test.file)
		if *update {
			if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), out.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.file, diff)
		}
		switch text := escapes.ReplaceAllString(out.String(), ""); {
		case plain == "":
			plain = out.String()
		case text != plain:
			t.Errorf("color changes more than the color:\n%s", cmp.Diff(plain, text))
		}
	}
	if strings.Contains(plain, "\x1b") {
		t.Error("an escape sequence came through")
	}
	_, notes, _ := strings.Cut(plain, "\n\n")
	for line := range strings.Lines(notes) {
		if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > gate.Width {
			t.Errorf("the line has %d columns: %s", width, line)
		}
	}
}
