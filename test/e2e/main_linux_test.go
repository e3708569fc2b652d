package e2e_test

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/performancecopilot/pcp-injector/test/e2e/node"
	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
	"github.com/performancecopilot/pcp-injector/test/injector"
)

// machine is the node that all tests share, nil where there is none; command is the webhook built from this tree.
var (
	machine *node.Node
	command string
)

// TestMain prepares what needs the network of this machine, and runs the tests where there is another.
func TestMain(m *testing.M) {
	run := prepare
	switch {
	case os.Getenv("E2E") == "":
		run = func(context.Context, *testing.M) (int, error) { return m.Run(), nil }
	case node.Folder() != "":
		run = inside
	}
	code, err := run(context.Background(), m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func prepare(ctx context.Context, _ *testing.M) (int, error) {
	if err := node.Check(); err != nil {
		return 1, err
	}
	if _, err := pcpimage.Archive(ctx, os.Stdout); err != nil {
		return 1, err
	}
	if err := node.Tools(ctx, os.Stdout); err != nil {
		return 1, err
	}
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return node.Inside(ctx, os.Stdout)
}

func inside(ctx context.Context, m *testing.M) (code int, err error) {
	if command, err = injector.Build(ctx, node.Folder()); err != nil {
		return 1, err
	}
	archive, err := pcpimage.Archive(ctx, os.Stdout)
	if err != nil {
		return 1, err
	}
	if machine, err = node.Start(ctx, archive, os.Stdout); err != nil {
		return 1, keepLogs(err)
	}
	if code = m.Run(); code != 0 {
		err = keepLogs(nil)
	}
	if stopErr := machine.Stop(); err == nil {
		err = stopErr
	}
	return code, err
}

// keepLogs copies the logs of a failed run to the folder E2E_LOGS, if it is set.
func keepLogs(err error) error {
	target := os.Getenv("E2E_LOGS")
	if target == "" {
		return err
	}
	if copyErr := os.CopyFS(target, os.DirFS(filepath.Join(node.Folder(), "logs"))); copyErr != nil {
		return fmt.Errorf("failed to keep the logs: %w", copyErr)
	}
	return err
}
