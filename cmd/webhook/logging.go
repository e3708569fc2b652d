package main

import (
	"context"
	"io"
	"log/slog"
	"sync"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/validation/field"
	ctrllog "sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const (
	// maxLoggedText limits the names in a log line, which nobody has validated yet when an admission webhook sees them. It is the length of
	// the longest valid name.
	maxLoggedText = 253
	// maxLoggedError limits an error in a log line.
	maxLoggedError = 1 << 10
	// maxLoggedProblems limits the problems in a log line.
	maxLoggedProblems = 16
)

func newLogger(w io.Writer, opts *options) *slog.Logger {
	settings := &slog.HandlerOptions{Level: opts.level()}
	if opts.logFormat.value == "text" {
		return slog.New(slog.NewTextHandler(w, settings))
	}
	return slog.New(slog.NewJSONHandler(w, settings))
}

// installLogger makes the libraries use the same logger: net/http through the default one (TLS handshake errors), controller-runtime
// through its own.
func installLogger(logger *slog.Logger) {
	slog.SetDefault(logger)
	installOnce.Do(func() { ctrllog.SetLogger(logr.FromSlogHandler(logger.Handler())) })
}

// installOnce, because controller-runtime uses the first logger only, and does not lock.
var installOnce sync.Once

// loggedError truncates an error, because its text may have been chosen by an attacker.
func loggedError(message string) slog.Attr {
	return slog.String("error", clip(message, maxLoggedError))
}

// logOutcome writes one line for a request. It names the pod, its owner and the fields with problems. It never quotes a value that the
// pod's author wrote, because that may be a secret.
func logOutcome(ctx context.Context, logger *slog.Logger, o *outcome, elapsed float64) {
	if !logger.Enabled(ctx, o.level) {
		return
	}
	attrs := make([]slog.Attr, 0, 12)
	attrs = append(attrs, slog.String("result", o.result), slog.String("reason", o.reason), slog.Float64("seconds", elapsed))
	attrs = append(appendRequest(attrs, o.request), o.details...)
	logger.LogAttrs(ctx, o.level, "admission", attrs...)
}

func appendRequest(attrs []slog.Attr, req *request) []slog.Attr {
	if req == nil {
		return attrs
	}
	attrs = append(attrs,
		slog.String("uid", req.UID),
		slog.String("namespace", clip(req.Namespace, maxLoggedText)),
		slog.Bool("dryRun", req.DryRun),
	)
	if req.Object == nil {
		return attrs
	}
	meta := &req.Object.Metadata
	if meta.Name != "" {
		attrs = append(attrs, slog.String("name", clip(meta.Name, maxLoggedText)))
	} else {
		attrs = append(attrs, slog.String("generateName", clip(meta.GenerateName, maxLoggedText)))
	}
	for n := range meta.OwnerReferences {
		if owner := &meta.OwnerReferences[n]; owner.Controller {
			attrs = append(attrs, slog.String("owner", clip(owner.Kind+"/"+owner.Name, maxLoggedText)))
		}
	}
	return attrs
}

// decisionAttrs describes what was found, without the values.
func decisionAttrs(d *mutate.Decision) []slog.Attr {
	var attrs []slog.Attr
	if len(d.Problems) > 0 {
		attrs = append(attrs, slog.Any("problems", problemPlaces(d.Problems)))
	}
	if len(d.Warnings) > 0 {
		attrs = append(attrs, slog.Any("warnings", warningCodes(d.Warnings)))
	}
	return attrs
}

func problemPlaces(problems field.ErrorList) []string {
	places := make([]string, 0, maxLoggedProblems)
	for _, problem := range problems[:min(len(problems), maxLoggedProblems)] {
		places = append(places, clip(problem.Field, maxLoggedText)+": "+string(problem.Type))
	}
	return places
}

func warningCodes(warnings []mutate.Warning) []string {
	codes := make([]string, len(warnings))
	for n := range warnings {
		codes[n] = warnings[n].Code
	}
	return codes
}
