package main

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// decider is the core as the handler uses it.
type decider interface {
	Decide(req mutate.Request) mutate.Decision
}

// handler answers POST /mutate: it decodes, lets the core decide, and responds.
type handler struct {
	core       decider
	configHash string
	intake     *intake
	patches    patchEncoder
	metrics    *metrics
	logger     *slog.Logger
}

// ServeHTTP counts and logs before it answers, so both are done when the client has the answer.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start := time.Now()
	o := h.admit(w, r)
	elapsed := time.Since(start).Seconds()
	h.metrics.observe(o, elapsed)
	if o.result != resultError {
		noteUse(r.Context())
	}
	logOutcome(r.Context(), h.logger, o, elapsed)
	// Do not keep what was decoded while a slow client reads.
	o.request, o.details = nil, nil
	if err := o.write(w); err != nil {
		h.logger.WarnContext(r.Context(), "failed to send the answer", "error", err)
	}
}

// admit never panics: a pod that the core cannot digest is denied, and the others are still served.
func (h *handler) admit(w http.ResponseWriter, r *http.Request) (o *outcome) {
	var req *request
	defer func() {
		if cause := recover(); cause != nil {
			o = panicked(req, cause)
		}
	}()
	body := borrow()
	defer recycle(body)
	large, err := h.intake.read(w, r, body)
	if large {
		defer h.intake.large.free()
	}
	if err == nil {
		err = h.intake.decoding.take(r.Context())
	}
	if err != nil {
		return unreadable(err)
	}
	defer h.intake.decoding.free()
	req, err = decodeReview(body)
	switch {
	case req == nil:
		return unreadable(err)
	case err != nil:
		return unexpected(req, err)
	default:
		return h.decide(req)
	}
}

func (h *handler) decide(req *request) *outcome {
	decision := h.core.Decide(mutate.Request{
		Namespace: req.Namespace,
		Username:  req.UserInfo.Username,
		Pod:       req.Object,
	})
	o := &outcome{
		request:  req,
		result:   resultOf(decision.Reason),
		reason:   string(decision.Reason),
		level:    levelOf(decision.Reason),
		details:  decisionAttrs(&decision),
		response: decided(req, &decision, h.configHash),
	}
	if len(decision.Patch) > 0 {
		var err error
		if o.patch, err = h.patches.encode(decision.Patch); err != nil {
			return failed(req, slog.String("error", err.Error()))
		}
	}
	return o
}

// levelOf keeps pods to which nothing happened out of the ordinary log.
func levelOf(reason mutate.Reason) slog.Level {
	if reason == mutate.ReasonNotRequested || reason == mutate.ReasonAlreadyInjected {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}
