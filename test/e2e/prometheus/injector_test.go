package prometheus_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/e2e/prometheus"
	"github.com/performancecopilot/pcp-injector/test/injector"
)

const dashboards = "../../../charts/pcp-injector/files/dashboards/"

// TestInjectorDashboard: a real Prometheus reads from the real webhook, and every query of the dashboard about it has an answer.
func TestInjectorDashboard(t *testing.T) {
	t.Parallel()
	programs := findPrograms(t)
	board, err := prometheus.ReadDashboard(dashboards + "pcp-injector.json")
	if err != nil {
		t.Fatal(err)
	}
	webhook := serveWebhook(t)
	server, err := programs.Start(t.Context(), t.TempDir(), []prometheus.Scrape{{
		Job: "pcp-injector", Path: "/metrics", Targets: []prometheus.Targets{{Addresses: []string{webhook.MetricsAddress()}, Labels: map[string]string{"namespace": "pcp-system"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	review, err := os.ReadFile("../../../cmd/webhook/testdata/review-5KB.json")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	for {
		admit(t, webhook, review)
		err := board.Ask(t.Context(), server, map[string]string{"job": "pcp-injector", "namespace": "pcp-system"})
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%v\n%s\n%s", err, server.Log(), webhook.Log())
		case <-time.After(time.Second):
		}
	}
}

// serveWebhook runs the webhook of this tree until the test ends.
func serveWebhook(t *testing.T) *injector.Injector {
	t.Helper()
	folder := t.TempDir()
	command, err := injector.Build(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := cluster.NewAuthority("pcp-injector")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.ServingCertificate("pcp-injector.pcp-system.svc")
	if err == nil {
		err = certificate.Write(folder)
	}
	if err != nil {
		t.Fatal(err)
	}
	secret := map[string][]byte{}
	for _, name := range []string{"tls.crt", "tls.key"} {
		if secret[name], err = os.ReadFile(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	config, err := os.ReadFile("../../../examples/injector.yaml")
	if err != nil {
		t.Fatal(err)
	}
	webhook, err := injector.Serve(t.Context(), injector.Options{Command: command, Name: "pcp-injector", Config: string(config)}, secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := webhook.Stop(); err != nil {
			t.Error(err)
		}
	})
	return webhook
}

// admit sends a request as an API server does.
func admit(t *testing.T, webhook *injector.Injector, review []byte) {
	t.Helper()
	client := http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+webhook.Address()+"/mutate", bytes.NewReader(review))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("the webhook answers %s", answer.Status)
	}
}
