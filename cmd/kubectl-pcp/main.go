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
)

// The exit codes, documented in the help.
const (
	exitDone    = 0
	exitInput   = 1
	exitUsage   = 2
	exitRefused = 3
	// exitInterrupted is what shells make of Ctrl-C: 128 and the number of the signal.
	exitInterrupted = 130
)

// errInterrupted is how a verb ends after Ctrl-C.
var errInterrupted = &verbError{exitInterrupted, errors.New("interrupted")}

func main() {
	// Kubernetes' libraries return their errors, and log some for their developers as well.
	klog.SetLogger(logr.Discard())
	streams := genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr}
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

// plainUsages takes the marks out of the flags' descriptions that name their values in the help: shells show them as they are.
func plainUsages(root *cobra.Command) {
	for _, cmd := range root.Commands() {
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { flag.Usage = strings.ReplaceAll(flag.Usage, "`", "") })
	}
}

// verbError is what went wrong while a verb did its work: whatever else goes wrong is a mistake on the command line. Its err is nil
// where the output has said all.
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
		fmt.Fprintf(stderr, "error: %v (see --help)\n", err)
		return exitUsage
	}
}

// said is the sentence of an error. That of a cluster that does not answer is the same for all verbs, whatever they asked it for.
func said(err error) string {
	var request *url.Error
	if !errors.As(err, &request) {
		return err.Error()
	}
	server := request.URL
	if at, parseErr := url.Parse(request.URL); parseErr == nil {
		server = at.Scheme + "://" + at.Host
	}
	return fmt.Sprintf("the cluster at %s cannot be asked: %v (is it another one? --kubeconfig, --context and the variable KUBECONFIG name it)", server, request.Err)
}
