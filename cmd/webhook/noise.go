package main

import (
	"context"
	"log/slog"
	"sync/atomic"

	"golang.org/x/time/rate"
)

// Limits of the log lines that strangers can cause: at most 30 MB a day for each severity. A flood of requests could otherwise write that
// in a second.
const (
	linesPerSecond = 1
	linesAtOnce    = 200
)

// limitedHandler omits records beyond the rate. Debug records are not limited.
type limitedHandler struct {
	slog.Handler
	info, worse *bucket
}

// bucket counts the omitted records since the last line.
type bucket struct {
	limiter *rate.Limiter
	omitted atomic.Int64
}

func newBucket() *bucket { return &bucket{limiter: rate.NewLimiter(linesPerSecond, linesAtOnce)} }

// limitRate returns the logger for events that anybody who reaches a port can cause.
func limitRate(logger *slog.Logger) *slog.Logger {
	return slog.New(&limitedHandler{Handler: logger.Handler(), info: newBucket(), worse: newBucket()})
}

// Handle passes a record on, with the number of records omitted before it.
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

// WithAttrs keeps the limits.
func (h *limitedHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &limitedHandler{Handler: h.Handler.WithAttrs(attrs), info: h.info, worse: h.worse}
}

// WithGroup keeps the limits.
func (h *limitedHandler) WithGroup(name string) slog.Handler {
	return &limitedHandler{Handler: h.Handler.WithGroup(name), info: h.info, worse: h.worse}
}
