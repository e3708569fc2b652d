// Package docs_test checks the documentation against the tree.
package docs_test

import (
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const root = "../.."

var (
	fence       = regexp.MustCompile("(?ms)^ *```.*?\n *```")
	codeSpan    = regexp.MustCompile("`[^`\n]*`")
	link        = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading     = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
	inlineLink  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	punctuation = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinks: links of the documentation within the tree lead to a file, and to a heading if they have an anchor.
func TestLinks(t *testing.T) {
	t.Parallel()
	links := 0
	for _, page := range pages(t) {
		for _, target := range linksOf(read(t, page)) {
			links++
			if problem := follow(t, page, target); problem != "" {
				t.Errorf("%s links to %s: %s", page, target, problem)
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// TestBrokenLinksAreFound: the check sees links that lead nowhere.
func TestBrokenLinksAreFound(t *testing.T) {
	t.Parallel()
	page := filepath.Join(root, "README.md")
	text := "[a](docs/design.md#facts-and-where-they-are-handled) `[b](no.md)` [c](docs/none.md) [d](#no-such-heading) [e](https://pcp.io)\n```\n[f](no.md)\n```\n"
	var broken []string
	for _, target := range linksOf(text) {
		if follow(t, page, target) != "" {
			broken = append(broken, target)
		}
	}
	if got, want := strings.Join(broken, " "), "docs/none.md #no-such-heading"; got != want {
		t.Errorf("the broken links are %q, want %q", got, want)
	}
}

// pages are the Markdown files of the tree, and the templates of the generated ones.
func pages(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		switch name := entry.Name(); {
		case err != nil:
			return err
		case entry.IsDir() && path != root && (strings.HasPrefix(name, ".") && name != ".github" || name == "bin" || name == "testdata"):
			return filepath.SkipDir
		case strings.HasSuffix(name, ".md"), strings.HasSuffix(name, ".md.gotmpl"):
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func linksOf(text string) []string {
	var targets []string
	for _, match := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(fence.ReplaceAllString(text, ""), ""), -1) {
		targets = append(targets, match[1])
	}
	return targets
}

// follow returns why the link leads nowhere, if it does. It does not follow links to other hosts.
func follow(t *testing.T, page, target string) string {
	t.Helper()
	parsed, err := url.Parse(target)
	switch {
	case err != nil:
		return err.Error()
	case parsed.Scheme != "":
		return ""
	}
	path := page
	if parsed.Path != "" {
		path = filepath.Join(filepath.Dir(page), filepath.FromSlash(parsed.Path))
	}
	if _, err := os.Stat(path); err != nil {
		return "no such file"
	}
	if parsed.Fragment != "" && !anchors(read(t, path))[parsed.Fragment] {
		return "no such heading"
	}
	return ""
}

// anchors are the names that GitHub gives to the headings of a page.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, match := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		name := inlineLink.ReplaceAllString(strings.TrimSpace(match[1]), "$1")
		name = strings.ReplaceAll(punctuation.ReplaceAllString(strings.ToLower(name), ""), " ", "-")
		unique := name
		for n := 1; found[unique]; n++ {
			unique = name + "-" + strconv.Itoa(n)
		}
		found[unique] = true
	}
	return found
}
