package main

import (
	"bytes"
	"context"
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

// admit answers in time: what is decoded and decided takes a bounded amount of work, but a starved processor may take any time for it. The
// work then goes on without a client, in its slot, so there is never more of it than of slots.
func (h *handler) admit(w http.ResponseWriter, r *http.Request) *outcome {
	deadline := time.Now().Add(answerTime(r.URL))
	ctx, cancel := context.WithDeadline(r.Context(), deadline)
	defer cancel()
	job, err := h.accept(ctx, w, r)
	if err != nil {
		return unreadable(err)
	}
	answer := make(chan *outcome, 1)
	go func() {
		defer job.release()
		answer <- h.judge(job.body)
	}()
	// A client that closes only its sending side cancels the request's context, but reads the answer.
	late := time.NewTimer(time.Until(deadline))
	defer late.Stop()
	select {
	case o := <-answer:
		return o
	case <-late.C:
		return unreadable(errLate)
	}
}

// job is a body that was read, with the places that it takes.
type job struct {
	body  *bytes.Buffer
	taken []slots
}

func (j *job) release() {
	recycle(j.body)
	for _, s := range j.taken {
		s.free()
	}
}

// accept reads the body and waits for a slot to decode it in.
func (h *handler) accept(ctx context.Context, w http.ResponseWriter, r *http.Request) (*job, error) {
	j := &job{body: borrow()}
	large, err := h.intake.read(ctx, w, r, j.body)
	if large {
		j.taken = append(j.taken, h.intake.large)
	}
	if err == nil {
		err = h.intake.decoding.take(ctx)
	}
	if err != nil {
		j.release()
		return nil, err
	}
	j.taken = append(j.taken, h.intake.decoding)
	return j, nil
}

// judge never panics: a pod that the core cannot digest is denied, and the others are still served.
func (h *handler) judge(body *bytes.Buffer) (o *outcome) {
	var req *request
	defer func() {
		if cause := recover(); cause != nil {
			o = panicked(req, cause)
		}
	}()
	req, err := decodeReview(body)
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
