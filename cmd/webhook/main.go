// Command pcp-injector is the mutating admission webhook that adds Performance Co-Pilot to the pods of one workload. It
// decides from its configuration file and the AdmissionReview alone, and reads nothing from the Kubernetes API.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	limitMemory()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal drains. After that, nothing handles signals, so a second one ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Stdout, os.Stderr), os.Stderr))
}

// exitCode reports an error in one line.
func exitCode(err error, stderr io.Writer) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		fmt.Fprintf(stderr, "pcp-injector: %v (see pcp-injector --help)\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "pcp-injector: %v\n", err)
		return exitFailure
	}
}

// run is the whole program: it serves until ctx is done and everything in flight is answered.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	opts, err := parseOptions(args, os.LookupEnv)
	if err != nil {
		return err
	}
	switch {
	case opts.help:
		_, err = io.WriteString(stdout, opts.usage)
		return err
	case opts.version:
		_, err = fmt.Fprintln(stdout, currentBuild())
		return err
	}
	injector, err := newInjector(opts.config)
	if err != nil {
		return err
	}
	if opts.check {
		_, err = fmt.Fprintf(stdout, "%s is valid: configuration %s\n", opts.config, injector.ConfigHash())
		return err
	}
	logger := newLogger(stderr, opts)
	installLogger(logger)
	server, err := newServer(opts, injector, logger)
	if err != nil {
		return err
	}
	return server.run(ctx)
}

func newInjector(path string) (*mutate.Injector, error) {
	cfg, err := config.Load(path)
	if err != nil {
		return nil, err
	}
	injector, err := mutate.New(cfg, currentBuild().version)
	if err != nil {
		return nil, fmt.Errorf("failed to prepare the configuration %q: %w", path, err)
	}
	return injector, nil
}
