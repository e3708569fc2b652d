//go:build linux

package main

import (
	"context"
	"io"
	"log/slog"

	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/ordinary"
	"github.com/performancecopilot/pcp-injector/internal/launcher/preparation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
	"github.com/performancecopilot/pcp-injector/internal/launcher/supervisor"
	"github.com/performancecopilot/pcp-injector/internal/launcher/watch"
)

// supervise is the first process of an ordinary container.
func supervise(ctx context.Context, args []string, stdout io.Writer) error {
	log := supervisor.NewLog(stdout)
	c, err := container(args, log)
	if err != nil {
		return err
	}
	image := c.PCP
	c.PCP = image.Relocate(ordinary.Folder)
	o := &ordinary.Container{Container: c, Keeper: keeper(c)}
	c.System = preparation.Kernel{Env: o.Environment()}
	prepared, err := preparation.Do(preparation.Ordinary(c, image), c.Logger)
	if err != nil {
		return err
	}
	// From here on, nothing else may wait for children.
	o.Processes = supervisor.NewProcesses(context.WithoutCancel(ctx))
	return runServices(ctx, o, log, prepared)
}

func runServices(ctx context.Context, o *ordinary.Container, log *supervisor.Log, prepared []state.Preparation) error {
	s := &supervisor.Supervisor{Processes: o.Processes, Log: log, Logger: o.Logger}
	o.Keeper.Rotate = func() error { return s.End(options.PMLogger) }
	site := siteOf(o.Container, func(all *state.State) {
		all.Prepared, all.Services, all.Archives = prepared, s.State(), o.Keeper.State()
	})
	sources := &watch.Sources{Announced: watch.NewSources(o.PCP).Announced, Run: o.Run}
	watched := make(chan error, 1)
	all := rounds(o.Container, o.Keeper, sources)
	if program := watch.CompressionOf(o.PCP); program != nil && o.Entrypoint.Runs(options.PMLogger) {
		compressor := &watch.Compressor{Folder: o.Keeper.Folder, Program: program, Run: o.Run}
		all = append(all, watch.Round{Name: "compression", Do: compressor.Compress})
	}
	go func() { watched <- serveAndWatch(ctx, o.Container, site, all) }()
	s.Run(ctx, o.Services())
	o.Logger.Info("all services have ended", slog.Int("services", len(s.State())))
	return <-watched
}
