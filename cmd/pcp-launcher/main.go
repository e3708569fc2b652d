//go:build linux

// Command pcp-launcher starts PCP in an injected pod's container. It does there what the pod needs beyond what the image does by itself,
// and nothing else in a pod's spec is code.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/performancecopilot/pcp-injector/internal/launcher/delivery"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
)

// version of a release, set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

const (
	exitOK      = 0
	exitFailure = 1
	exitUsage   = 2
)

func main() {
	ctx, stop := untilStopped(context.Background())
	// A second signal ends the process at once.
	context.AfterFunc(ctx, stop)
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Stdout), os.Stderr))
}

// imageStop is SIGRTMIN+3, the image's STOPSIGNAL, which the kubelet sends: it is systemd's.
const imageStop = syscall.Signal(37)

func untilStopped(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, imageStop)
}

// exitCode reports an error in one line.
func exitCode(err error, stderr io.Writer) int {
	switch {
	case err == nil:
		return exitOK
	case options.IsUsage(err):
		fmt.Fprintf(stderr, "pcp-launcher: %v (see pcp-launcher help)\n", err)
		return exitUsage
	default:
		fmt.Fprintf(stderr, "pcp-launcher: %v\n", err)
		return exitFailure
	}
}

// command is what the launcher can be asked to do, by the first argument.
type command struct {
	name, args, help string
	run              func(ctx context.Context, args []string, stdout io.Writer) error
}

// commands is a function, because help, which is one of them, lists them.
func commands() []command {
	return []command{
		{"boot", "FLAGS", "prepare a privileged container, and become systemd", boot},
		{"supervise", "FLAGS", "prepare an ordinary container, and run PCP's services", supervise},
		{"watch", "FLAGS", "watch archives and sources while PCP runs", watchPCP},
		{"make-room", "FLAGS", "remove archives so that pmlogger can start", makeRoom},
		{"install", "--to=FOLDER [--accounts]", "copy this program into a volume, with a passwd and a group", install},
		{"version", "", "print the version", printVersion},
		{"help", "", "print this text", help},
	}
}

// run is the whole program.
func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) == 0 {
		args = []string{"help"}
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], stdout)
		}
	}
	return options.Usagef("%s: unknown command of pcp-launcher %s", args[0], currentVersion())
}

func help(_ context.Context, _ []string, stdout io.Writer) error {
	fmt.Fprintln(stdout, "pcp-launcher starts Performance Co-Pilot in a container.\n\nCommands:")
	for _, c := range commands() {
		fmt.Fprintf(stdout, "  %-38s %s\n", strings.TrimSpace(c.name+" "+c.args), c.help)
	}
	_, err := fmt.Fprintf(stdout, "\nFlags:\n%s", options.Usage())
	return err
}

func printVersion(_ context.Context, _ []string, stdout io.Writer) error {
	_, err := fmt.Fprintln(stdout, "pcp-launcher", currentVersion())
	return err
}

func install(_ context.Context, args []string, _ io.Writer) error {
	folder, accounts := "", false
	for _, arg := range args {
		to, found := strings.CutPrefix(arg, "--to=")
		switch {
		case found && to != "" && folder == "":
			folder = to
		case arg == "--accounts":
			accounts = true
		default:
			return options.Usagef("install: %s: must be install --to=FOLDER [--accounts]", arg)
		}
	}
	if folder == "" {
		return options.Usagef("install: must be install --to=FOLDER [--accounts]")
	}
	if err := installTo(folder); err != nil || !accounts {
		return err
	}
	return delivery.Accounts(folder, os.Getuid(), os.Getgid())
}

func installTo(folder string) error {
	executable, err := os.Executable()
	if err != nil {
		return err
	}
	return delivery.Install(executable, folder)
}

// currentVersion prefers the linker's over the module's, which go install records.
func currentVersion() string {
	if version != "" {
		return version
	}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
