//go:build linux

package watch

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// Period between two rounds of whatever watches.
const Period = 10 * time.Second

// Round is one look at something, and what follows from it.
type Round struct {
	Name string
	Do   func(ctx context.Context) error
}

// Watch does the rounds, each every Period, until ctx is done.
func Watch(ctx context.Context, rounds []Round, logger *slog.Logger) {
	var group sync.WaitGroup
	for _, round := range rounds {
		group.Go(func() { round.repeat(ctx, logger) })
	}
	group.Wait()
}

// repeat logs an error when it is another one than before: pmcd may be away for long.
func (r Round) repeat(ctx context.Context, logger *slog.Logger) {
	ticker := time.NewTicker(Period)
	defer ticker.Stop()
	said := ""
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		text := ""
		if err := r.Do(ctx); err != nil && ctx.Err() == nil {
			text = err.Error()
		}
		switch text {
		case said:
		case "":
			logger.Info("works again", "watch", r.Name)
		default:
			logger.Warn("failed; it is tried again", "watch", r.Name, "error", text)
		}
		said = text
	}
}
