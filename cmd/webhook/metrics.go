package main

import (
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// The results of an admission. Their reasons are those of mutate, and for errors the ones below.
const (
	resultAllowed  = "allowed"
	resultInjected = "injected"
	resultRejected = "rejected"
	resultError    = "error"

	// reasonUnreadable: the request contained no AdmissionReview; answered with an HTTP error.
	reasonUnreadable = "Unreadable"
	// reasonOverloaded: too many other requests were being read and decided; answered with HTTP 429.
	reasonOverloaded = "Overloaded"
	// reasonUnexpected: the AdmissionReview was not about the creation of a pod; denied.
	reasonUnexpected = "Unexpected"
	// reasonInternal: the injector itself failed; denied.
	reasonInternal = "Internal"
)

// metrics of the injector, in a registry of their own without the libraries' series.
type metrics struct {
	registry    *prometheus.Registry
	admissions  *prometheus.CounterVec
	duration    prometheus.Histogram
	connections *prometheus.GaugeVec
	shed        *prometheus.CounterVec
}

func newMetrics(configHash string, expiry func() time.Time) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		admissions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pcp_injector_admissions_total",
			Help: "Admission requests by result (allowed, injected, rejected, error) and reason.",
		}, []string{"result", "reason"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "pcp_injector_admission_duration_seconds",
			Help:    "Time from the arrival of an admission request until its answer is sent.",
			Buckets: []float64{25e-6, 50e-6, 75e-6, 1e-4, 15e-5, 25e-5, 5e-4, 1e-3, 25e-4, 5e-3, 1e-2, 5e-2, 0.25, 1, 5},
		}),
		connections: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "pcp_injector_connections",
			Help: "Open connections by listener (admission, health, metrics).",
		}, []string{"listener"}),
		shed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "pcp_injector_connections_shed_total",
			Help: "Connections that were closed because there were too many, by listener.",
		}, []string{"listener"}),
	}
	m.createSeries()
	m.registry.MustRegister(
		m.admissions, m.duration, m.connections, m.shed, expiryMetric(expiry), configMetric(configHash), buildMetric(currentBuild()),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// createSeries creates every series at the start, because Prometheus does not see an increase from nothing.
func (m *metrics) createSeries() {
	for _, reason := range mutate.Reasons {
		m.admissions.WithLabelValues(resultOf(reason), string(reason))
	}
	for _, reason := range []string{reasonUnreadable, reasonOverloaded, reasonUnexpected, reasonInternal} {
		m.admissions.WithLabelValues(resultError, reason)
	}
}

func resultOf(reason mutate.Reason) string {
	switch {
	case !reason.Allowed():
		return resultRejected
	case reason == mutate.ReasonInjected:
		return resultInjected
	default:
		return resultAllowed
	}
}

func expiryMetric(expiry func() time.Time) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "pcp_injector_certificate_expiry_timestamp_seconds",
		Help: "Expiry of the certificate in use, in seconds since the epoch.",
	}, func() float64 { return float64(expiry().Unix()) })
}

func configMetric(hash string) prometheus.Collector {
	return infoMetric("pcp_injector_config_info", "The configuration in use: always 1, with its hash.", prometheus.Labels{"hash": hash})
}

func buildMetric(b build) prometheus.Collector {
	return infoMetric("pcp_injector_build_info", "The running program: always 1, with its version.", prometheus.Labels{
		"version": b.version, "revision": b.revision, "goversion": runtime.Version(),
	})
}

func infoMetric(name, help string, labels prometheus.Labels) prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help, ConstLabels: labels}, func() float64 { return 1 })
}

func (m *metrics) observe(o *outcome, elapsed float64) {
	m.admissions.WithLabelValues(o.result, o.reason).Inc()
	m.duration.Observe(elapsed)
}

func (m *metrics) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}))
	return mux
}
