package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const noAdmissions = `
# HELP pcp_injector_admissions_total Admission requests by result (allowed, injected, rejected, error) and reason.
# TYPE pcp_injector_admissions_total counter
pcp_injector_admissions_total{reason="AlreadyInjected",result="allowed"} 0
pcp_injector_admissions_total{reason="Incompatible",result="rejected"} 0
pcp_injector_admissions_total{reason="Injected",result="injected"} 0
pcp_injector_admissions_total{reason="Internal",result="error"} 0
pcp_injector_admissions_total{reason="InvalidRequest",result="rejected"} 0
pcp_injector_admissions_total{reason="NotDesignated",result="allowed"} 0
pcp_injector_admissions_total{reason="NotRequested",result="allowed"} 0
pcp_injector_admissions_total{reason="Overloaded",result="error"} 0
pcp_injector_admissions_total{reason="Unexpected",result="error"} 0
pcp_injector_admissions_total{reason="Unreadable",result="error"} 0
pcp_injector_admissions_total{reason="UntrustedCreator",result="allowed"} 0
`

// TestSeries: all series exist from the start, and counting adds none.
func TestSeries(t *testing.T) {
	t.Parallel()
	h := stubHandler(untouched, io.Discard)
	compareAdmissions(t, h.metrics, noAdmissions)
	for _, reason := range mutate.Reasons {
		h.core = stub(func(mutate.Request) mutate.Decision { return mutate.Decision{Reason: reason} })
		post(h, []byte(goodReview))
	}
	h.core = stub(func(mutate.Request) mutate.Decision { panic("boom") })
	for _, body := range []string{goodReview, edit("CREATE", "UPDATE"), "{}"} {
		post(h, []byte(body))
	}
	h.intake.large = newSlots(0, 0)
	post(h, []byte(strings.Repeat(" ", ordinaryBody+1)))
	compareAdmissions(t, h.metrics, strings.ReplaceAll(noAdmissions, "} 0", "} 1"))
}

func compareAdmissions(t *testing.T, m *metrics, want string) {
	t.Helper()
	if err := testutil.GatherAndCompare(m.registry, strings.NewReader(want), "pcp_injector_admissions_total"); err != nil {
		t.Error(err)
	}
}

// TestMetricsPage: what a scraper gets.
func TestMetricsPage(t *testing.T) {
	t.Parallel()
	expiry := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	m := newMetrics("0123456789abcdef", func() time.Time { return expiry })
	m.observe(unreadable(&httpError{}), 60e-6)
	recorder := httptest.NewRecorder()
	m.handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	for _, want := range []string{
		"pcp_injector_certificate_expiry_timestamp_seconds 1.893456e+09",
		`pcp_injector_config_info{hash="0123456789abcdef"} 1`,
		`pcp_injector_build_info{goversion="go`,
		`pcp_injector_admission_duration_seconds_bucket{le="5e-05"} 0`,
		`pcp_injector_admission_duration_seconds_bucket{le="7.5e-05"} 1`,
		"go_goroutines", "process_resident_memory_bytes",
	} {
		if !strings.Contains(recorder.Body.String(), want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	for _, foreign := range []string{"controller_runtime", "certwatcher", "rest_client"} {
		if strings.Contains(recorder.Body.String(), foreign) {
			t.Errorf("/metrics has series of %s", foreign)
		}
	}
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint finds %v, error %v", problems, err)
	}
}
