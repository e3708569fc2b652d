// Package commands finds the commands that the documentation shows, and who runs them. A comment before each block of commands says it: either
//
//	<!-- run: TestOne, TestTwo -->
//
// which are tests that run what the page has, or why nobody does, with one of the known Reasons and maybe more after a semicolon:
//
//	<!-- not run: needs a registry; make e2e pushes to none -->
package commands

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Reasons are why a test cannot run a block.
var Reasons = map[string]string{
	"needs a node":           "the tests' node is simulated: nothing runs in its pods. make e2e has a real one",
	"needs a registry":       "the tests push and pull nothing, and no container tool need be installed",
	"needs a release":        "nothing is published yet",
	"needs another tool":     "the tests install no tool that the project does not use itself",
	"needs a key":            "the key is the user's",
	"is a target of make":    "a test that runs all tests, the demo or a benchmark would take too long, and CI runs it",
	"has names of your own":  "it stands for what the reader fills in. The tests of the command itself run it with real names",
	"changes a real machine": "it installs packages, or needs root",
}

// Block is one fenced block of commands.
type Block struct {
	Page string
	Line int
	Text string
	// Tests run it, or Reason is why none does.
	Tests  []string
	Reason string
}

func (b *Block) String() string { return fmt.Sprintf("%s:%d", b.Page, b.Line) }

var (
	fenced = regexp.MustCompile("(?ms)^( *)```([a-z]*)[^\n]*\n(.*?\n) *```$")
	mark   = regexp.MustCompile(`<!-- (run|not run): (.+) -->\s*$`)
	// command is what begins a line of a block that should say that it is a shell's.
	command = regexp.MustCompile(`(?m)^(sudo |\$ )?(kubectl|helm|make|docker|curl|oc|git|go|argocd|flux) \S`)
)

// In returns the blocks of commands of a page, with an error for each that does not say who runs it.
func In(page string) ([]Block, error) {
	data, err := os.ReadFile(page)
	if err != nil {
		return nil, err
	}
	text := string(data)
	var blocks []Block
	var problems []error
	for _, at := range fenced.FindAllStringSubmatchIndex(text, -1) {
		indent, language, body := text[at[2]:at[3]], text[at[4]:at[5]], text[at[6]:at[7]]
		block := Block{Page: page, Line: strings.Count(text[:at[0]], "\n") + 1, Text: unindented(body, indent)}
		switch {
		case language == "sh":
			problems = append(problems, block.marked(text[:at[0]]))
			blocks = append(blocks, block)
		case language == "" && command.MatchString(block.Text):
			problems = append(problems, fmt.Errorf("%s: commands in a block that is not marked as sh", &block))
		}
	}
	return blocks, errors.Join(problems...)
}

// marked reads the comment that ends what is before the block.
func (b *Block) marked(before string) error {
	found := mark.FindStringSubmatch(before)
	if found == nil {
		return fmt.Errorf("%s: want a comment <!-- run: TestName --> or <!-- not run: REASON --> before the commands", b)
	}
	if found[1] == "run" {
		b.Tests = strings.Split(found[2], ", ")
		return nil
	}
	b.Reason = found[2]
	if known, _, _ := strings.Cut(b.Reason, ";"); Reasons[known] == "" {
		return fmt.Errorf("%s: the reason %q is not one of commands.Reasons", b, known)
	}
	return nil
}

func unindented(body, indent string) string {
	lines := strings.SplitAfter(body, "\n")
	for n := range lines {
		lines[n] = strings.TrimPrefix(lines[n], indent)
	}
	return strings.Join(lines, "")
}

// For returns the blocks of a page that the test runs, in order.
func For(page, test string) ([]Block, error) {
	blocks, err := In(page)
	if err != nil {
		return nil, err
	}
	blocks = slices.DeleteFunc(blocks, func(b Block) bool { return !slices.Contains(b.Tests, test) })
	if len(blocks) == 0 {
		return nil, fmt.Errorf("%s has no block for %s", page, test)
	}
	return blocks, nil
}
