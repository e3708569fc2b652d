package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/performancecopilot/pcp-injector/test/e2e/node"
	"github.com/performancecopilot/pcp-injector/test/e2e/prometheus"
	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

// lockFile is held by the run that has this machine's kernel to itself: TestNoHarm changes its limits for a moment, and takes what another
// run changes for harm. Only root writes to its folder.
const lockFile = "/run/pcp-e2e.lock"

// TestMain prepares what needs the network of this machine, and runs the tests where there is another; or on a given cluster. With
// E2E=suits it only reports whether a node can run here.
func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard()) // An exec that takes too long is an error, and no reason to log.
	run := prepare
	switch {
	case os.Getenv("E2E") == "":
		run = func(context.Context, *testing.M) (int, error) { return m.Run(), nil }
	case os.Getenv("E2E") == "suits":
		run = func(context.Context, *testing.M) (int, error) { return 0, node.Suits() }
	case os.Getenv(kubeconfigVariable) != "":
		run = given
	case node.Folder() != "":
		run = inside
	}
	code, err := run(context.Background(), m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = max(code, 1)
	}
	os.Exit(code)
}

func given(ctx context.Context, m *testing.M) (_ int, err error) {
	if here, err = givenSite(ctx); err != nil {
		return 1, err
	}
	removePlugin, err := buildPlugin(ctx)
	if err != nil {
		return 1, err
	}
	defer removePlugin()
	return m.Run(), nil
}

// prepare compiles and builds all, and goes inside.
func prepare(ctx context.Context, _ *testing.M) (int, error) {
	if err := node.Check(); err != nil {
		return 1, err
	}
	// go test ends what takes too long with SIGQUIT.
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM, syscall.SIGQUIT)
	defer stop()
	archives, err := images(ctx)
	if err != nil {
		return 1, err
	}
	if err := os.Setenv(archivesVariable, strings.Join(archives, string(filepath.ListSeparator))); err != nil {
		return 1, err
	}
	removePlugin, err := buildPlugin(ctx)
	if err != nil {
		return 1, err
	}
	defer removePlugin()
	if err := node.Tools(ctx, os.Stdout); err != nil {
		return 1, err
	}
	if _, err := toolchain.Find(ctx, os.Stdout, "certmanager", "helm"); err != nil {
		return 1, err
	}
	if _, err := prometheus.Find(ctx, os.Stdout); err != nil {
		return 1, err
	}
	unlock, err := toolchain.Lock(ctx, os.Stdout, lockFile, "running these tests")
	if err != nil {
		return 1, err
	}
	defer unlock()
	return node.Inside(ctx, os.Stdout)
}

func inside(ctx context.Context, m *testing.M) (code int, err error) {
	s, stop, err := ownSite(ctx)
	if err != nil {
		return 1, keepLogs(err)
	}
	here = s
	if code = m.Run(); code != 0 {
		err = keepLogs(nil)
	}
	return code, errors.Join(err, stop())
}
