package main

import (
	"net/http"
	"net/url"
	"time"
)

const (
	// defaultTimeout and maxTimeout are those of a webhook's timeoutSeconds.
	defaultTimeout = 10 * time.Second
	maxTimeout     = 30 * time.Second
)

// errLate answers a request while its client still waits, so that the pod's creator learns what happened. API servers do not try again.
var errLate = &httpError{http.StatusServiceUnavailable, "no decision in time: the webhook is short of CPU, or gets too many requests"}

// answerTime is how long a request may take to be answered: nine tenths of the timeoutSeconds of the webhook's configuration, which API
// servers send with each request as ?timeout=5s.
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/staging/src/k8s.io/apiserver/pkg/admission/plugin/webhook/mutating/dispatcher.go
func answerTime(target *url.URL) time.Duration {
	timeout := defaultTimeout
	if target != nil {
		if sent, err := time.ParseDuration(target.Query().Get("timeout")); err == nil && sent > 0 {
			timeout = min(sent, maxTimeout)
		}
	}
	return timeout / 10 * 9
}
