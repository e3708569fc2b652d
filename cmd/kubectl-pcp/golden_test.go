package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

var update = flag.Bool("update", false, "write the results of the golden tests into testdata")

// asProgram has this binary be the plugin, for tests of what needs a process of its own.
const asProgram = "KUBECTL_PCP_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
	}
	version = "v0.0.0-test"
	os.Exit(m.Run())
}

// result of a run.
type result struct {
	code           int
	stdout, stderr string
}

func execute(stdin string, args ...string) result {
	var stdout, stderr bytes.Buffer
	streams := genericiooptions.IOStreams{In: strings.NewReader(stdin), Out: &stdout, ErrOut: &stderr}
	code := exitCode(run(args, streams), &stderr)
	return result{code, stdout.String(), stderr.String()}
}

// TestGolden runs each file of testdata: its args, with its stdin and its other files in a temporary folder.
func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("testdata", "golden", "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			runGolden(t, file)
		})
	}
}

func runGolden(t *testing.T, file string) {
	t.Helper()
	archive, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	input := map[string]string{}
	for _, f := range archive.Files {
		input[f.Name] = string(f.Data)
		if filepath.Ext(f.Name) != "" {
			if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	got := execute(input["stdin"], strings.Fields(strings.ReplaceAll(input["args"], "$DIR", dir))...)
	for _, section := range []struct{ name, text string }{
		{"code", strconv.Itoa(got.code) + "\n"},
		{"stderr", strings.ReplaceAll(got.stderr, dir, "$DIR")},
		{"stdout", configHash.ReplaceAllString(got.stdout, "${1}CONFIG-HASH")},
	} {
		compare(t, archive, section.name, section.text)
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(archive), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if strings.HasPrefix(input["args"], "inject") && got.code == exitDone && !strings.Contains(input["args"], "-o") {
		back := execute(got.stdout, "uninject", "-f", "-")
		if diff := cmp.Diff(original(archive, input), back.stdout); diff != "" && input["uninjected"] != back.stdout {
			t.Errorf("uninject does not restore the input:\n%s", diff)
		}
	}
}

var configHash = regexp.MustCompile(`(config\\?":\\?")[0-9a-f]{16}`)

// original is the input of inject, in its order.
func original(archive *txtar.Archive, input map[string]string) string {
	text := input["stdin"]
	for _, f := range archive.Files {
		if filepath.Ext(f.Name) != "" && f.Name != "config.yaml" {
			text += string(f.Data)
		}
	}
	return text
}

func compare(t *testing.T, archive *txtar.Archive, name, got string) {
	t.Helper()
	// txtar ends every file with a line break.
	if got != "" && !strings.HasSuffix(got, "\n") {
		got += "\n"
	}
	for n := range archive.Files {
		if f := &archive.Files[n]; f.Name == name {
			if diff := cmp.Diff(string(f.Data), got); diff != "" && !*update {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
			f.Data = []byte(got)
			return
		}
	}
	if *update {
		archive.Files = append(archive.Files, txtar.File{Name: name, Data: []byte(got)})
	} else {
		t.Errorf("the section %s is missing: run the test with -update", name)
	}
}
