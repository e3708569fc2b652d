package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// TestAnswerTime: the API server says how long it waits.
func TestAnswerTime(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]time.Duration{
		"timeout=5s": 4500 * time.Millisecond, "timeout=1s": 900 * time.Millisecond, "timeout=30s": 27 * time.Second,
		"timeout=1000h": 27 * time.Second, "": 9 * time.Second, "timeout=-1s": 9 * time.Second, "timeout=soon": 9 * time.Second,
	} {
		if got := answerTime(&url.URL{RawQuery: query}); got != want {
			t.Errorf("%q: got %s, want %s", query, got, want)
		}
	}
}

// TestLateDecision: a request is answered although its decision does not come, which keeps its slot until it does.
func TestLateDecision(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	h := stubHandler(func(req mutate.Request) mutate.Decision {
		<-release
		return untouched(req)
	}, io.Discard)
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	for range cap(h.intake.decoding.taken) + 1 {
		answer, err := http.Post(server.URL+"/mutate?timeout=100ms", mediaType, bytes.NewReader([]byte(goodReview)))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusServiceUnavailable || !bytes.Contains(body, []byte("no decision in time")) {
			t.Errorf("got %d %s %v, want 503 and the reason", answer.StatusCode, body, err)
		}
	}
	if taken := len(h.intake.decoding.taken); taken != cap(h.intake.decoding.taken) {
		t.Errorf("%d slots are taken, want all", taken)
	}
	close(release)
	for range cap(h.intake.decoding.taken) {
		h.intake.decoding.taken <- struct{}{} // when a late decision frees it
	}
	for range cap(h.intake.decoding.taken) {
		h.intake.decoding.free()
	}
	h.logger = slog.New(slog.DiscardHandler)
	if response := decodeResponse(t, post(h, []byte(goodReview))); !response.Allowed {
		t.Errorf("the next pod is not allowed: %+v", response)
	}
}
