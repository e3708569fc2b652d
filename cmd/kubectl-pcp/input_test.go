package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
)

const podText = `apiVersion: v1
kind: Pod
metadata:
  name: node-monitor
  annotations:
    pcp.io/inject: "true"
spec:
  containers:
  - name: main
    image: busybox`

// TestText is about what txtar files cannot hold: line breaks, byte order marks, texts without an end.
func TestText(t *testing.T) {
	t.Parallel()
	windows := strings.ReplaceAll(podText, "\n", "\r\n")
	for name, text := range map[string]string{
		"no line break at the end":     podText,
		"windows":                      windows + "\r\n",
		"windows, no break at the end": windows,
		"byte order mark":              "\ufeff" + podText + "\n",
		"end marker":                   podText + "\n...\n# comment\n",
		"end marker, then a document":  podText + "\n...\na: b\n---\nc: d\n",
		"directive":                    "%YAML 1.1\n---\n" + podText + "\n",
		"json after yaml":              podText + "\n---\n{\"a\": 1}\n",
		"empty documents":              "---\n---\n\n---\n" + podText + "\n---\n---",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			injected := execute(text, "inject", "-f", "-")
			if injected.code != exitDone || !strings.Contains(injected.stdout, "name: pcp") {
				t.Fatalf("not injected: exit code %d: %s", injected.code, injected.stderr)
			}
			if breaks := strings.Count(injected.stdout, "\n"); strings.Contains(text, "\r") && breaks != strings.Count(injected.stdout, "\r\n") {
				t.Errorf("line breaks are mixed: %q", injected.stdout)
			}
			if restored := execute(injected.stdout, "uninject", "-f", "-"); restored.stdout != text {
				t.Errorf("got back %q\nfor %q\n%s", restored.stdout, text, restored.stderr)
			}
		})
	}
}

func TestBadText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text, want string
	}{
		"UTF-16":            {"\xff\xfea\x00", "standard input:1: the text is not UTF-8: save it as UTF-8"},
		"latin 1":           {"a: b\nc: \xe9", "standard input:2: the text is not UTF-8: save it as UTF-8"},
		"control":           {"a: \x00", "control characters are not allowed"},
		"too large":         {strings.Repeat("# comment\n", manifest.MaxSize/10+1), "standard input is too large: must be no more than 64 MiB"},
		"truncated JSON":    {"{\"a\": 1", "standard input:1: "},
		"JSON, then a mess": {"{\"a\": 1}\n}", "standard input:2: "},
		"alias bomb":        {bomb(), "excessive aliasing"},
		"unknown alias":     {"a: *b", "unknown anchor 'b' referenced"},
		"cut off":           {podText + "\n  - {", "standard input:11: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := execute(c.text, "inject", "-f", "-")
			if got.code != exitInput || got.stdout != "" || !strings.Contains(got.stderr, c.want) {
				t.Errorf("exit code %d, stderr %.300q, want 1 and %q", got.code, got.stderr, c.want)
			}
		})
	}
}

func bomb() string {
	var text strings.Builder
	text.WriteString("a0: &a0 [x]\n")
	for n := range 9 {
		name := string(rune('b' + n))
		before := string(rune('a'+n)) + "0"
		text.WriteString(name + "0: &" + name + "0 [" + strings.TrimSuffix(strings.Repeat("*"+before+", ", 10), ", ") + "]\n")
	}
	return text.String()
}

func TestFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	marked := filepath.Join(dir, "b.yaml")
	for name, text := range map[string]string{"a.yaml": "a: b", "b.yaml": "\ufeffc: d\n", "c.txt": "no manifest"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	empty := t.TempDir()
	for name, c := range map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"folder":        {[]string{"-f", dir}, exitDone, "a: b\n---\nc: d\n", ""},
		"mark at start": {[]string{"-f", marked, "-f", "-"}, exitDone, "\ufeffc: d\n---\ne: f\n", ""},
		"empty folder":  {[]string{"-f", empty}, exitInput, "", "contains no .yaml, .yml or .json file"},
		"stdin twice":   {[]string{"-f", "-", "-f", "-"}, exitUsage, "", "only once"},
		"argument":      {[]string{"-f", "-", "x"}, exitUsage, "", `inject takes no argument such as "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := execute("e: f\n", append([]string{"inject"}, c.args...)...)
			if got.code != c.code || got.stdout != c.stdout || !strings.Contains(got.stderr, c.stderr) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestOutputFails(t *testing.T) {
	t.Parallel()
	var stderr strings.Builder
	streams := genericiooptions.IOStreams{In: strings.NewReader(podText), Out: fullDisk{}, ErrOut: &stderr}
	code := exitCode(run([]string{"inject", "-f", "-"}, streams), &stderr)
	if code != exitInput || !strings.Contains(stderr.String(), "error: failed to write the manifests: no space left") {
		t.Errorf("exit code %d, stderr %q", code, stderr.String())
	}
}

func TestHelp(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ arg, want string }{
		{"--version", "kubectl-pcp v0.0.0-test"},
		{"--help", "kubectl pcp [command]"},
		{"inject --help", "kubectl get deploy node-monitor -n monitoring -o yaml | kubectl pcp inject -f - | kubectl apply -f -"},
		{"uninject --help", "Exit codes:"},
	} {
		if got := execute("", strings.Fields(c.arg)...); got.code != exitDone || !strings.Contains(got.stdout, c.want) {
			t.Errorf("%s: got %+v", c.arg, got)
		}
	}
}
