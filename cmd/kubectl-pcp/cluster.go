package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/client-go/rest"
	kyaml "sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/terminal"
)

const clusterExitCodes = `Exit codes:
  0  all gates are passed
  1  the cluster cannot be reached, or the object does not exist
  2  wrong usage
  3  a gate failed
  4  no gate failed, but of some it is unknown
` + interruptedCode

const exitUnknown = 4

const interruptedCode = `  130  interrupted by Ctrl-C
`

// clusterVerb is what all verbs share that query a cluster, with the rights of the user.
type clusterVerb struct {
	streams genericiooptions.IOStreams
	flags   *genericclioptions.ConfigFlags
	output  string
	// all is that of kubectl's --all-namespaces: a --namespace does not count then.
	all bool
	// formats of the output, beside text.
	formats []string
}

func newClusterVerb(streams genericiooptions.IOStreams) *clusterVerb {
	return &clusterVerb{streams: streams, flags: genericclioptions.NewConfigFlags(true), formats: []string{"json", "yaml"}}
}

func (v *clusterVerb) addFlags(cmd *cobra.Command) {
	v.addClusterFlags(cmd)
	cmd.Flags().StringVarP(&v.output, "output", "o", "", fmt.Sprintf("`FORMAT`: %s (default: text for people)", v.formatsListed()))
	_ = cmd.RegisterFlagCompletionFunc("output", cobra.FixedCompletions(v.formats, cobra.ShellCompDirectiveNoFileComp))
}

func (v *clusterVerb) formatsListed() string {
	last := len(v.formats) - 1
	return strings.Join(v.formats[:last], ", ") + " or " + v.formats[last]
}

// addClusterFlags adds kubectl's own flags.
func (v *clusterVerb) addClusterFlags(cmd *cobra.Command) {
	v.flags.AddFlags(cmd.Flags())
	_ = cmd.RegisterFlagCompletionFunc("namespace", v.completeNamespaces)
}

// addAllNamespaces adds kubectl's flag to a verb that looks at all namespaces where none is named, for those who know it from kubectl.
func (v *clusterVerb) addAllNamespaces(cmd *cobra.Command) {
	cmd.Flags().BoolVarP(&v.all, "all-namespaces", "A", false, "look at all namespaces, as without --namespace, and even with it")
}

// connect finds the cluster and the namespace, as kubectl does.
func (v *clusterVerb) connect() (config *rest.Config, namespace string, err error) {
	if v.output != "" && !slices.Contains(v.formats, v.output) {
		return nil, "", fmt.Errorf("unknown output format %q: must be %s", v.output, v.formatsListed())
	}
	config, err = v.flags.ToRESTConfig()
	if err != nil {
		return nil, "", &verbError{exitInput, fmt.Errorf("no cluster to ask: %w", err)}
	}
	config.UserAgent = "kubectl-pcp/" + programVersion()
	// A verb sends all its requests at once.
	config.QPS, config.Burst = -1, 0
	config.WarningHandler = rest.NoWarnings{}
	namespace, _, err = v.flags.ToRawKubeConfigLoader().Namespace()
	if err != nil {
		return nil, "", &verbError{exitInput, fmt.Errorf("no namespace to look at: %w", err)}
	}
	return config, namespace, nil
}

func (v *clusterVerb) reader() (*snapshot.Reader, string, error) {
	config, namespace, err := v.connect()
	if err != nil {
		return nil, "", err
	}
	reader, err := snapshot.NewReader(config)
	if err != nil {
		return nil, "", &verbError{exitInput, err}
	}
	return reader, namespace, nil
}

// interruptibly runs a verb until Ctrl-C. Errors after that are a consequence of it.
func interruptibly(cmd *cobra.Command, run func(ctx context.Context) error) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt)
	defer stop()
	// A second Ctrl-C ends the program at once.
	context.AfterFunc(ctx, stop)
	err := run(ctx)
	if err != nil && ctx.Err() != nil {
		return errInterrupted
	}
	return err
}

// report writes the reports and turns them into the exit code. After Ctrl-C they are incomplete and not shown.
func (v *clusterVerb) report(ctx context.Context, reports []*gate.Report) error {
	if ctx.Err() != nil {
		return errInterrupted
	}
	if err := v.write(reports); err != nil {
		return &verbError{exitInput, fmt.Errorf("failed to write the report: %w", err)}
	}
	return resultOf(reports)
}

// resultOf is the exit code for the reports.
func resultOf(reports []*gate.Report) error {
	switch gate.Worst(reports...) {
	case gate.Failed:
		return &verbError{code: exitRefused}
	case gate.Warning, gate.Unknown:
		return &verbError{code: exitUnknown}
	case gate.Passed:
	}
	return nil
}

func (v *clusterVerb) write(reports []*gate.Report) error {
	if v.output != "" {
		return writeObject(v.streams.Out, v.output, reported{reports})
	}
	for n, report := range reports {
		if n > 0 {
			fmt.Fprintln(v.streams.Out)
		}
		if err := report.Write(v.streams.Out, styleOf(v.streams.Out)); err != nil {
			return err
		}
	}
	return nil
}

func writeObject(out io.Writer, format string, object any) error {
	text, err := json.MarshalIndent(object, "", "  ")
	if err == nil && format == "yaml" {
		text, err = kyaml.JSONToYAML(text)
	}
	if err != nil {
		return fmt.Errorf("failed to encode it: %w", err)
	}
	shown := strings.TrimRight(string(terminal.Escaped(text)), "\n")
	if format == "yaml" {
		// Its plain scalars have no escapes.
		shown = terminal.Lines(strings.TrimRight(string(text), "\n"))
	}
	_, err = fmt.Fprintln(out, shown)
	return err
}

// styleOf is the style of all lists: marks on a terminal, words in logs.
func styleOf(out io.Writer) gate.Style {
	return gate.Style{Color: isTerminal(out), ASCII: !showsMarks(out)}
}

// isTerminal honors https://no-color.org.
func isTerminal(out io.Writer) bool { return os.Getenv("NO_COLOR") == "" && onTerminal(out) }

func onTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// completeSubjects offers pods and workloads: kinds first, then names.
func (v *clusterVerb) completeSubjects(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	word, _, named := strings.Cut(typed, "/")
	if !named {
		var kinds []string
		for n := range snapshot.Kinds {
			kinds = append(kinds, snapshot.Kinds[n].Names[0]+"/")
		}
		return kinds, cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	kind, _, err := snapshot.ParseArgument(word + "/x")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return v.completeNames(cmd, kind, word+"/", typed)
}

// completeNames offers the names of a kind's objects that start with what was typed, after a prefix.
func (v *clusterVerb) completeNames(cmd *cobra.Command, kind *snapshot.Kind, prefix, typed string) ([]string, cobra.ShellCompDirective) {
	reader, namespace, err := v.reader()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	names, err := reader.Names(cmd.Context(), kind, namespace)
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	var fitting []string
	for _, name := range names {
		if strings.HasPrefix(prefix+name, typed) {
			fitting = append(fitting, prefix+name)
		}
	}
	return fitting, cobra.ShellCompDirectiveNoFileComp
}

// completeNamespaces offers the namespaces that releases look after.
func (v *clusterVerb) completeNamespaces(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
	reader, _, err := v.reader()
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	namespaces, _, err := reader.Namespaces(cmd.Context())
	if err != nil {
		return nil, cobra.ShellCompDirectiveError
	}
	return slices.DeleteFunc(namespaces, func(name string) bool { return !strings.HasPrefix(name, typed) }), cobra.ShellCompDirectiveNoFileComp
}
