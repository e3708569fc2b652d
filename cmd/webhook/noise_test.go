package main

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

// TestNoise: a flood of lines is cut off, severities do not silence each other, and omitted lines are counted.
func TestNoise(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	handler := &limitedHandler{
		Handler: slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}), info: newBucket(), worse: newBucket(),
	}
	logger := slog.New(handler)
	for range 5 * linesAtOnce {
		logger.Warn("flood")
		logger.Debug("detail")
	}
	logger.With("a", "b").Info("important")
	handler.worse.limiter.SetBurst(10 * linesAtOnce)
	handler.worse.limiter.SetLimit(1e9)
	for strings.Count(log.String(), "omittedLines=") == 0 {
		logger.WithGroup("g").Warn("later")
	}
	if got := strings.Count(log.String(), "msg=flood"); got < linesAtOnce || got > linesAtOnce+10 {
		t.Errorf("%d lines are written, want about %d", got, linesAtOnce)
	}
	if got := strings.Count(log.String(), "msg=detail"); got != 5*linesAtOnce {
		t.Errorf("%d lines for debugging are written, want all", got)
	}
	if !strings.Contains(log.String(), "msg=important a=b") {
		t.Error("warnings silence information")
	}
}
