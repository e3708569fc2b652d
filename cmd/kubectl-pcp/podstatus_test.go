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

// statuses are of pods with names of typical length, one of which tries to steer the terminal.
var statuses = []podStatus{
	{
		Namespace: "monitoring", Pod: "node-monitor-5d4f8c7b9d-x2x7k", Node: "ip-10-0-129-17.eu-central-1.compute.internal", Image: "quay.io/performancecopilot/pcp:7.2.2", Ready: true, Created: noon.Add(-72 * time.Hour), State: verify.Current,
		Version: "7.2.2", Sources: []pmproxy.Source{{Name: "app", Result: pmproxy.Reachable}, {Name: "db", Result: pmproxy.Reachable}}, Archives: &archives{Files: 42, Bytes: 12 << 20},
	},
	{
		Namespace: "monitoring", Pod: "node-monitor-b", Node: "b", Image: "pcp:7.2.2", Ready: true, Restarts: 3, Created: noon.Add(-time.Hour), State: verify.Upgraded,
		Version: "7.2.2", Archives: &archives{Files: 3, Bytes: 1536},
		Sources: []pmproxy.Source{
			{Name: "app", Result: pmproxy.Unreachable, Problem: "Failed to establish a new connection: [Errno 111] Connection refused"},
			{Name: "db", Result: pmproxy.Unreachable, Problem: "\x1b[2J\u202enonsense"},
			{Name: "new", Result: pmproxy.Untried},
		},
	},
	{
		Namespace: "other", Pod: "node-monitor-c", Node: "c", Image: "pcp:7.2.2", Ready: true, Created: noon.Add(-time.Minute), State: verify.Stale,
		Unknown: []string{
			`PCP's version and sources are unknown, because you lack a right: pods "node-monitor-c" is forbidden: User "alice" cannot create resource "pods/portforward" in API group "" in the namespace "other"`,
			"the archives' size is unknown, because it could not be read: waited 5s for an answer",
		},
	},
	{
		Namespace: "other", Pod: "node-monitor-5d4f8c7b9d-2lq8z", Image: "pcp:6.3.7", Ready: true, Created: noon.Add(-time.Hour), State: verify.Older, Version: "6.3.7", Archives: &archives{Files: 900, Bytes: 1023 << 20},
	},
	{
		Namespace: "other", Pod: "node-monitor-d", Node: "", Image: "pcp:7.2.2", Created: noon.Add(-time.Second), State: verify.Tampered, Unknown: []string{"PCP's container is not running"},
	},
}

var escapes = regexp.MustCompile("\x1b\\[\\d+m")

// TestStatusTable: the text is the same with and without color, and text from a pod does not steer the terminal. Only the
// wide list is wider than a terminal.
func TestStatusTable(t *testing.T) {
	t.Parallel()
	plain := map[bool]string{}
	for _, test := range []struct {
		file  string
		style gate.Style
		wide  bool
	}{
		{"status.txt", gate.Style{}, false},
		{"status-color.txt", gate.Style{Color: true}, false},
		{"status-wide.txt", gate.Style{}, true},
		{"status-wide-color.txt", gate.Style{Color: true}, true},
	} {
		var out bytes.Buffer
		if err := writeStatus(&out, statuses, test.style, noon, test.wide); err != nil {
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
		case plain[test.wide] == "":
			plain[test.wide] = out.String()
		case text != plain[test.wide]:
			t.Errorf("color changes more than the color:\n%s", cmp.Diff(plain[test.wide], text))
		}
	}
	if strings.Contains(plain[false]+plain[true], "\x1b") {
		t.Error("an escape sequence came through")
	}
	for line := range strings.Lines(plain[false]) {
		if width := utf8.RuneCountInString(strings.TrimRight(line, "\n")); width > gate.Width {
			t.Errorf("the line has %d columns: %s", width, line)
		}
	}
}
