package docs_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/test/docs/commands"
)

// TestCommandsAreRun: each block of commands in the documentation is run by a test that reads it from the page, or says why no test can run
// it.
func TestCommandsAreRun(t *testing.T) {
	t.Parallel()
	runners := testsThatRunBlocks(t)
	run, not := 0, 0
	for _, page := range pages(t) {
		// The page is generated from it, and has the same commands.
		if strings.HasSuffix(page, ".gotmpl") {
			continue
		}
		blocks, err := commands.In(page)
		if err != nil {
			t.Error(err)
		}
		for _, block := range blocks {
			if block.Reason != "" {
				not++
				t.Logf("not run: %s: %s", &block, block.Reason)
				continue
			}
			run++
			for _, test := range block.Tests {
				if !strings.Contains(runners[test], filepath.Base(page)) {
					t.Errorf("%s: there is no %s that calls commands.For with the page", &block, test)
				}
			}
		}
	}
	t.Logf("%d blocks of commands are run, and %d are not", run, not)
	if run < 10 {
		t.Errorf("only %d blocks of commands are run", run)
	}
}

// testsThatRunBlocks are the tests in files that read blocks from pages, by name, with the text of the file.
func testsThatRunBlocks(t *testing.T) map[string]string {
	t.Helper()
	name := regexp.MustCompile(`(?m)^func (Test\w+)\(t \*testing\.T\)`)
	found := map[string]string{}
	err := filepath.WalkDir(filepath.Join(root, "test"), func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text := read(t, path)
		if !strings.Contains(text, "commands.For(") {
			return nil
		}
		for _, match := range name.FindAllStringSubmatch(text, -1) {
			found[match[1]] = text
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestUnmarkedCommandsAreFound: unmarked commands are an error, and so are excuses.
func TestUnmarkedCommandsAreFound(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"```sh\nmake demo\n```\n": "page.md:1: want a comment",
		"<!-- run: TestOne -->\n\n```sh\nmake a\n```\n\n```sh\nmake b\n```\n":                      "page.md:7: want a comment",
		"Text.\n\n<!-- not run: too slow -->\n```sh\nmake demo\n```\n":                             `the reason "too slow" is not one of`,
		"```\nkubectl get pods\n```\n":                                                             "page.md:1: commands in a block that is not marked as sh",
		"<!-- not run: needs a node; make e2e has one -->\n```sh\nkubectl exec\n```\n":             "",
		"1. Text\n   <!-- run: TestOne, TestTwo -->\n   ```sh\n   cat <<E\n     a\n   E\n   ```\n": "",
	} {
		page := filepath.Join(t.TempDir(), "page.md")
		if err := os.WriteFile(page, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := commands.In(page)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: got error %v, want %q", text, err, want)
		}
	}
}
