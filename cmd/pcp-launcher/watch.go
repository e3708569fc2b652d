//go:build linux

package main

import (
	"context"
	"io"
	"net"
	"strconv"
	"sync"

	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/preparation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
	"github.com/performancecopilot/pcp-injector/internal/launcher/watch"
	"github.com/performancecopilot/pcp-injector/internal/launcher/web"
)

// watchPCP is a service of systemd's in a privileged container.
func watchPCP(ctx context.Context, args []string, stdout io.Writer) error {
	c, err := container(args, stdout)
	if err != nil {
		return err
	}
	prepared, err := state.ReadPrepared(state.Prepared)
	if err != nil {
		c.Logger.Warn("the state does not have what was prepared", "error", err)
	}
	keeper, services := keeper(c), watch.NewServices(c.PCP, c.Entrypoint.Services)
	rounds := append(rounds(c, keeper, watch.NewSources(c.PCP)), watch.Round{Name: "services", Do: services.Look})
	site := siteOf(c, func(s *state.State) { s.Prepared, s.Services, s.Archives = prepared, services.State(), keeper.State() })
	return serveAndWatch(ctx, c, site, rounds)
}

// serveAndWatch ends with ctx. What is watched is watched even if nothing can be served.
func serveAndWatch(ctx context.Context, c *preparation.Container, site *web.Site, rounds []watch.Round) error {
	var group sync.WaitGroup
	group.Go(func() {
		if err := site.Serve(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(state.Port))); err != nil {
			c.Logger.Error("nobody can read state and archives here", "error", err)
		}
	})
	watch.Watch(ctx, rounds, c.Logger)
	group.Wait()
	return nil
}

// siteOf serves a state that has what does not change, and what fill adds.
func siteOf(c *preparation.Container, fill func(*state.State)) *web.Site {
	site := &web.Site{Logger: c.Logger}
	if c.Entrypoint.Runs(options.PMLogger) {
		folder, _ := watch.Archives(c.PCP, c.Options, c.Hostname)
		site.Archives = &folder
	}
	site.State = func() state.State {
		s := state.State{Version: currentVersion(), For: c.Options.For, PCP: c.PCP.VersionText(), Flags: c.Options.Args()}
		fill(&s)
		return s
	}
	return site
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
func rounds(c *preparation.Container, keeper *watch.Keeper, sources *watch.Sources) []watch.Round {
	var all []watch.Round
	pmlogger := c.Entrypoint.Runs(options.PMLogger)
	if pmlogger {
		all = append(all, watch.Round{Name: "archives", Do: keeper.Keep})
	}
	if pmlogger && c.Entrypoint.Runs(options.PMCD) && c.Options.OpenMetrics.Archive {
		all = append(all, watch.Round{Name: "openmetrics-sources", Do: sources.Ask})
	}
	if c.Entrypoint.Runs(options.PMProxy) && (c.Options.AcceptArchives || c.Options.AcceptWrites) {
		received := watch.Received(c.PCP)
		all = append(all, watch.Round{Name: "received-archives", Do: func(context.Context) error { return watch.Receive(received, c.Logger) }})
	}
	return all
}
