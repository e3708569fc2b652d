//go:build linux

package main

import (
	"context"
	"io"

	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/preparation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/watch"
)

// watchPCP is a service of systemd's in a privileged container.
func watchPCP(ctx context.Context, args []string, stdout io.Writer) error {
	c, err := container(args, stdout)
	if err != nil {
		return err
	}
	watch.Watch(ctx, rounds(c, keeper(c)), c.Logger)
	return nil
}

// makeRoom is what systemd does before it starts pmlogger.
func makeRoom(_ context.Context, args []string, stdout io.Writer) error {
	c, err := container(args, stdout)
	if err != nil {
		return err
	}
	return keeper(c).MakeRoom()
}

func keeper(c *preparation.Container) *watch.Keeper {
	folder, policy := watch.Archives(c.PCP, c.Options, c.Hostname)
	return &watch.Keeper{Folder: folder, Policy: policy, Logger: c.Logger, Rotate: func() error { return watch.EndPMLogger(c.PCP) }}
}

// rounds are those of the services that run.
func rounds(c *preparation.Container, keeper *watch.Keeper) []watch.Round {
	var all []watch.Round
	pmlogger := c.Entrypoint.Runs(options.PMLogger)
	if pmlogger {
		all = append(all, watch.Round{Name: "archives", Do: keeper.Keep})
	}
	if pmlogger && c.Entrypoint.Runs(options.PMCD) && c.Options.OpenMetrics.Archive {
		all = append(all, watch.Round{Name: "openmetrics-sources", Do: watch.NewSources(c.PCP).Ask})
	}
	if c.Entrypoint.Runs(options.PMProxy) && (c.Options.AcceptArchives || c.Options.AcceptWrites) {
		received := watch.Received(c.PCP)
		all = append(all, watch.Round{Name: "received-archives", Do: func(context.Context) error { return watch.Receive(received, c.Logger) }})
	}
	return all
}
