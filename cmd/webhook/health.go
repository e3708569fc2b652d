package main

import (
	"io"
	"net/http"
)

// healthHandler serves /healthz, which succeeds while the process lives, and /readyz, which succeeds while it accepts requests.
func healthHandler(ready func(*http.Request) error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /healthz", probe(func(*http.Request) error { return nil }))
	mux.Handle("GET /readyz", probe(ready))
	return mux
}

func probe(check func(*http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := check(r); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		// A prober that has hung up needs no answer.
		_, _ = io.WriteString(w, "ok\n")
	}
}
