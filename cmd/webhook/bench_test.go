package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"

	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// BenchmarkAdmission compares an injection with the floor: controller-runtime's handler, which decodes the review and
// allows everything. Compare the times of one run only.
func BenchmarkAdmission(b *testing.B) {
	handlers := []struct {
		name    string
		handler http.Handler
	}{
		{"floor", floor()},
		{"injector", newTestHandler(b)},
	}
	for _, h := range handlers {
		b.Run(h.name, func(b *testing.B) {
			for _, size := range []string{"5KB", "20KB"} {
				b.Run(size, func(b *testing.B) { benchmarkHandler(b, h.handler, reviewOf(b, size)) })
			}
		})
	}
}

// BenchmarkWishes measures pods with overrides, for which parts of the container are built anew. The floor is the same as
// BenchmarkAdmission's of 5 KB.
func BenchmarkWishes(b *testing.B) {
	h := newTestHandler(b)
	for name, annotation := range map[string]string{
		"source":   `"openmetrics.pcp.io/app":"http://localhost:9100/metrics",`,
		"services": `"pcp.io/services":"pmcd,pmproxy",`,
	} {
		const inject = `"pcp.io/inject"`
		body := bytes.Replace(reviewOf(b, "5KB"), []byte(inject), []byte(annotation+inject), 1)
		b.Run(name, func(b *testing.B) { benchmarkHandler(b, h, body) })
	}
}

func benchmarkHandler(b *testing.B, h http.Handler, body []byte) {
	b.Helper()
	b.ReportAllocs()
	for b.Loop() {
		if status := send(h, body); status != http.StatusOK {
			b.Fatalf("status is %d", status)
		}
	}
}

// sink takes an answer as a connection does: it does not keep it, as a httptest.ResponseRecorder would.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header            { return s.header }
func (s *sink) WriteHeader(status int)         { s.status = status }
func (*sink) Write(answer []byte) (int, error) { return len(answer), nil }

func send(h http.Handler, body []byte) int {
	answer := &sink{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(answer, newRequest(body))
	return answer.status
}

func floor() http.Handler {
	return &admission.Webhook{Handler: admission.HandlerFunc(func(context.Context, admission.Request) admission.Response {
		return admission.Allowed("")
	})}
}

// newTestHandler is the handler as the program runs it, with the default configuration.
func newTestHandler(tb testing.TB) *handler {
	tb.Helper()
	cfg := config.Default()
	cfg.Complete()
	injector, err := mutate.New(cfg, "v0.0.0-test")
	if err != nil {
		tb.Fatal(err)
	}
	return &handler{
		core:       injector,
		configHash: injector.ConfigHash(),
		intake:     newIntake(),
		metrics:    newMetrics(injector.ConfigHash(), func() time.Time { return time.Time{} }),
		logger:     slog.New(slog.NewJSONHandler(io.Discard, nil)), //nolint:sloglint // formatting the line is a part of the cost
	}
}

func reviewOf(tb testing.TB, size string) []byte {
	tb.Helper()
	body, err := os.ReadFile("testdata/review-" + size + ".json")
	if err != nil {
		tb.Fatal(err)
	}
	return body
}

// newRequest is what net/http would hand to a handler, without the cost of parsing it.
func newRequest(body []byte) *http.Request {
	return &http.Request{
		Method:        http.MethodPost,
		Header:        http.Header{"Content-Type": {mediaType}},
		Body:          io.NopCloser(bytes.NewReader(body)),
		ContentLength: int64(len(body)),
	}
}

func post(h http.Handler, body []byte) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, newRequest(body))
	return recorder
}
