// Command preview shows an injection offline, and then prepares what the demo needs: the control plane, the webhook and the demo itself. It
// has few dependencies, so a newcomer sees the first injection within a minute; see make demo.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// version of the project, set by the linker.
var version string

// preview is one run.
type preview struct {
	out      io.Writer
	examples string
	flags    string
	programs string
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("preview", flag.ContinueOnError)
	p := &preview{out: out}
	flags.StringVar(&p.examples, "examples", "examples", "the folder with injector.yaml and node-monitor.yaml")
	flags.StringVar(&p.flags, "ldflags", "", "the linker's flags for our own programs")
	flags.StringVar(&p.programs, "programs", "bin", "the folder for what is compiled; empty: nothing is prepared")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := p.show(); err != nil || p.programs == "" {
		return err
	}
	return p.prepare(ctx)
}

// commands are those of the demo's control plane.
var commands = []string{"etcd", "kube-apiserver", "kube-controller-manager", "kubectl"}

// prepare gets the control plane while our own programs are compiled.
func (p *preview) prepare(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	programs := toolchain.CompilePrograms(ctx, p.flags, map[string]string{
		filepath.Join(p.programs, "pcp-injector"): "./cmd/webhook",
		filepath.Join(p.programs, "kubectl-pcp"):  "./cmd/kubectl-pcp",
		filepath.Join(p.programs, "demo"):         "./test/demo",
	})
	fmt.Fprintln(p.out, `==> Next: the same in a real control plane on this machine. What it needs is downloaded, or compiled where that is not possible:
    a few minutes the one way, 10 to 15 the other, once. Ctrl-C stops; what is done by then is kept.`)
	_, err := toolchain.Find(ctx, p.out, commands...)
	if err != nil {
		cancel()
	}
	return errors.Join(err, programs.Wait(p.out))
}
