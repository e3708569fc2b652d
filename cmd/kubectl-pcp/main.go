// Command kubectl-pcp is a kubectl plugin for those who deploy Performance Co-Pilot with pcp-injector. Its inject and
// uninject are the webhook's decisions applied to manifests in files, without a cluster.
package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"

	"github.com/go-logr/logr"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	"k8s.io/klog/v2"

	"github.com/performancecopilot/pcp-injector/internal/terminal"
)

// The exit codes, documented in the help.
const (
	exitDone    = 0
	exitInput   = 1
	exitUsage   = 2
	exitRefused = 3
	// exitInterrupted is the exit code of shells for Ctrl-C: 128 plus the number of the signal.
	exitInterrupted = 130
)

// errInterrupted is how a verb ends after Ctrl-C.
var errInterrupted = &verbError{exitInterrupted, errors.New("interrupted")}

func main() {
	// Kubernetes' libraries return their errors, and also log some for their developers.
	klog.SetLogger(logr.Discard())
	// What goes to people who look at the errors may repeat what anyone has written into the cluster.
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: terminal.Writer(os.Stderr)}
	os.Exit(exitCode(run(os.Args[1:], streams), streams.ErrOut))
}

// run is the whole program.
func run(args []string, streams genericiooptions.IOStreams) error {
	root := newRoot(streams)
	if len(args) > 0 && args[0] == cobra.ShellCompRequestCmd {
		plainUsages(root)
	}
	root.SetArgs(args)
	return root.Execute()
}

// plainUsages removes the marks around the names of values in the flags' descriptions, because shells show them literally.
func plainUsages(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { flag.Usage = strings.ReplaceAll(flag.Usage, "`", "") })
	}
}

// verbError is an error of a verb while it works. Any other error is a mistake on the command line. Its err is nil if the output has
// already said everything.
type verbError struct {
	code int
	err  error
}

func (e *verbError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *verbError) Unwrap() error { return e.err }

// exitCode reports how the program ended.
func exitCode(err error, stderr io.Writer) int {
	var failed *verbError
	switch {
	case err == nil:
		return exitDone
	case errors.As(err, &failed):
		for line := range strings.Lines(said(err)) {
			fmt.Fprintf(stderr, "error: %s\n", strings.TrimRight(line, "\n"))
		}
		return failed.code
	default:
		fmt.Fprintf(stderr, "error: %s (see --help)\n", strings.Join(strings.Fields(err.Error()), " "))
		return exitUsage
	}
}

// said is the text of an error. If the cluster does not answer, all verbs say the same, whatever they asked.
func said(err error) string {
	text := noAnswer(err)
	if _, unanswered := errors.AsType[*url.Error](err); unanswered {
		text += " (to name another one, use --kubeconfig, --context or the variable KUBECONFIG)"
	}
	return text
}

// noAnswer is that text without its advice, for a cluster that has answered before.
func noAnswer(err error) string {
	var request *url.Error
	if !errors.As(err, &request) {
		return err.Error()
	}
	server := request.URL
	if at, parseErr := url.Parse(request.URL); parseErr == nil {
		server = at.Scheme + "://" + at.Host
	}
	return fmt.Sprintf("the cluster at %s cannot be reached: %v", server, request.Err)
}
