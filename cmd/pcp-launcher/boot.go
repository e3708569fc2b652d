//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/preparation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
)

// systemd is what the image runs.
const systemd = "/usr/sbin/init"

// boot is what the image's entrypoint runs last in a privileged container.
func boot(_ context.Context, args []string, stdout io.Writer) error {
	// Control groups and capabilities are those of a thread, and systemd gets this one's.
	runtime.LockOSThread()
	c, err := container(args, stdout)
	if err != nil {
		return err
	}
	prepared, err := preparation.Do(preparation.Privileged(c), c.Logger)
	if err != nil {
		return err
	}
	if err := state.WritePrepared(state.Prepared, prepared); err != nil {
		c.Logger.Warn("the state will not have what was prepared", "error", err)
	}
	if err := unix.Exec(systemd, []string{systemd}, os.Environ()); err != nil {
		return fmt.Errorf("the image has no systemd: %s: %w", systemd, err)
	}
	return nil
}

// container is the one that this process is in.
func container(args []string, stdout io.Writer) (*preparation.Container, error) {
	o, err := options.Parse(args, currentVersion())
	if err != nil {
		return nil, err
	}
	pcp, err := installation.Read("/", os.LookupEnv)
	if err != nil {
		return nil, err
	}
	hostname, err := os.Hostname()
	if err != nil {
		return nil, err
	}
	executable, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return &preparation.Container{
		PCP: pcp, Options: o, Entrypoint: options.ReadEntrypoint(os.LookupEnv), WebhookURL: os.Getenv("PCP_PMIE_WEBHOOK"),
		Launcher: executable, Hostname: hostname, System: preparation.Kernel{}, Logger: newLogger(stdout),
	}, nil
}

// newLogger leaves the time to the kubelet, or to systemd's journal.
func newLogger(stdout io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
}
