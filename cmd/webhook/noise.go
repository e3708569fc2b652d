package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// How many lines that strangers cause are logged: at most 30 MB a day of each severity, where a flood of requests could write
// that in a second.
const (
	linesPerSecond = 1
	linesAtOnce    = 200
)

// limitedHandler leaves out what exceeds the rate. Debugging has no limit.
type limitedHandler struct {
	slog.Handler
	info, worse *bucket
}

// bucket counts what was left out since the last line.
type bucket struct {
	limiter *rate.Limiter
	omitted atomic.Int64
}

func newBucket() *bucket { return &bucket{limiter: rate.NewLimiter(linesPerSecond, linesAtOnce)} }

// limitRate is the logger for what anybody who reaches a port can cause.
func limitRate(logger *slog.Logger) *slog.Logger {
	return slog.New(&limitedHandler{Handler: logger.Handler(), info: newBucket(), worse: newBucket()})
}

// Handle passes a record on, with the number of those left out before it.
func (h *limitedHandler) Handle(ctx context.Context, record slog.Record) error {
	if record.Level >= slog.LevelInfo {
		bucket := h.info
		if record.Level > slog.LevelInfo {
			bucket = h.worse
		}
		if !bucket.limiter.Allow() {
			bucket.omitted.Add(1)
			return nil
		}
		if omitted := bucket.omitted.Swap(0); omitted > 0 {
			record.AddAttrs(slog.Int64("omittedLines", omitted))
		}
	}
	return h.Handler.Handle(ctx, record) //nolint:wrapcheck // a handler like any other
}

// WithAttrs keeps the limit.
func (h *limitedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limitedHandler{Handler: h.Handler.WithAttrs(attrs), info: h.info, worse: h.worse}
}

// WithGroup keeps the limit.
func (h *limitedHandler) WithGroup(name string) slog.Handler {
	return &limitedHandler{Handler: h.Handler.WithGroup(name), info: h.info, worse: h.worse}
}
