package main

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

//go:generate go test -run ^TestDocs$ -count 1 . -update

//go:embed kubectl_complete-pcp
var completionProgram string

var docsIntro = `# kubectl pcp

<!-- Generated from the commands' own help by "make generate": change the help instead. -->

The plugin works on manifests (%s), which needs no cluster, and on the cluster that kubectl uses, with its user's permissions
(%s). ` + "`make build`" + ` makes ` + "`bin/kubectl-pcp`" + `. Put it on the PATH, and kubectl finds it.

kubectl asks the program ` + "`kubectl_complete-pcp`" + ` on the PATH to complete a command line. ` + "`make build`" + ` puts it beside the plugin, and so do the archives
of a release, except that for Windows. krew cannot install a second program: there, create it yourself, in a folder of the PATH, and make it executable:

` + "```" + `
` + completionProgram + "```" + `

The verbs that need a cluster also take kubectl's own flags, such as ` + "`--context`, `--namespace` and `--as`" + `.
`

// TestDocs compares docs/kubectl-pcp.md with the help of the commands.
func TestDocs(t *testing.T) {
	root := newRoot(genericiooptions.NewTestIOStreamsDiscard())
	var offline, online []string
	body := ""
	for _, cmd := range root.Commands() {
		if !cmd.IsAvailableCommand() || cmd.Name() == "completion" {
			continue
		}
		if cmd.Flags().Lookup("context") == nil {
			offline = append(offline, "`"+cmd.Name()+"`")
		} else {
			online = append(online, "`"+cmd.Name()+"`")
		}
		body += section(cmd)
	}
	got := fmt.Sprintf(docsIntro, strings.Join(offline, ", "), strings.Join(online, ", ")) + body
	path := filepath.Join("..", "..", "docs", "kubectl-pcp.md")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("docs/kubectl-pcp.md is out of date, run make generate:\n%s", diff)
	}
}

func section(cmd *cobra.Command) string {
	text := fmt.Sprintf("\n## %s\n\n    %s\n\n%s\n", cmd.Name(), cmd.UseLine(), asMarkdown(cmd.Long))
	if cmd.Example != "" {
		text += "\nExamples:\n\n<!-- not run: has names of your own; the tests of the command run it with others -->\n```sh\n" + unindent(cmd.Example) + "\n```\n"
	}
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	kubectls := pflag.NewFlagSet("", pflag.ContinueOnError)
	genericclioptions.NewConfigFlags(true).AddFlags(kubectls)
	asksCluster := cmd.Flags().Lookup("context") != nil
	cmd.LocalFlags().VisitAll(func(flag *pflag.Flag) {
		if flag.Name != "help" && (!asksCluster || kubectls.Lookup(flag.Name) == nil) {
			own.AddFlag(flag)
		}
	})
	if own.HasFlags() {
		text += "\nFlags:\n\n```\n" + strings.TrimRight(own.FlagUsages(), "\n") + "\n```\n"
	}
	return text
}

// asMarkdown turns indented lines of the help into code blocks.
func asMarkdown(help string) string {
	var out strings.Builder
	inCode := false
	for line := range strings.Lines(strings.TrimSpace(help) + "\n") {
		indented := strings.HasPrefix(line, "  ")
		if indented != inCode && strings.TrimSpace(line) != "" {
			if !inCode && !strings.HasSuffix(out.String(), "\n\n") {
				out.WriteString("\n")
			}
			out.WriteString("```\n")
			inCode = indented
		}
		if inCode && strings.TrimSpace(line) == "" {
			out.WriteString("```\n")
			inCode = false
		}
		out.WriteString(strings.TrimPrefix(line, "  "))
	}
	if inCode {
		out.WriteString("```\n")
	}
	return strings.TrimRight(out.String(), "\n")
}

func unindent(text string) string {
	lines := strings.Split(text, "\n")
	for n := range lines {
		lines[n] = strings.TrimPrefix(lines[n], "  ")
	}
	return strings.Join(lines, "\n")
}
