package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/performancecopilot/pcp-injector/test/loopback"
)

const patience = 30 * time.Second

// instance is the whole program, running inside the test on loopback ports.
type instance struct {
	admission, health, metrics string
	certificates               *certificates
	client                     *http.Client
	cancel                     context.CancelFunc
	done                       chan error
	stderr                     *safeBuffer
}

// safeBuffer is a log that the test reads while the program writes.
type safeBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *safeBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *safeBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

// start runs the program and waits until it is ready.
func start(t *testing.T, drain string, flags ...string) *instance {
	t.Helper()
	ports := freePorts(t, 3)
	ctx, cancel := context.WithCancel(t.Context())
	i := &instance{
		admission: ports[0], health: "http://" + ports[1], metrics: "http://" + ports[2] + "/metrics",
		certificates: newCertificates(t), cancel: cancel, done: make(chan error, 1), stderr: &safeBuffer{},
	}
	i.client = i.newClient()
	args := []string{
		"--config", writeConfig(t), "--cert-dir", i.certificates.dir, "--drain", drain, "--log-level", "debug",
		"--listen", ports[0], "--health-listen", ports[1], "--metrics-listen", ports[2],
	}
	args = append(args, flags...)
	go func() { i.done <- run(ctx, args, io.Discard, i.stderr) }()
	t.Cleanup(func() { cancel(); i.wait(t) })
	i.await(t, "ready", func() bool { return get(t, i.health+"/readyz") == http.StatusOK })
	return i
}

// newClient trusts the test's CA only, and would use HTTP/2.
func (i *instance) newClient() *http.Client {
	return &http.Client{
		Timeout: patience,
		Transport: &http.Transport{
			ForceAttemptHTTP2: true,
			TLSClientConfig:   &tls.Config{RootCAs: i.certificates.pool, MinVersion: tls.VersionTLS13},
		},
	}
}

func (i *instance) wait(t *testing.T) {
	t.Helper()
	select {
	case err, running := <-i.done:
		if running && err != nil {
			t.Errorf("run returns %v, want nil", err)
		}
		if running {
			close(i.done)
		}
	case <-time.After(patience):
		t.Error("run does not return")
	}
}

func (i *instance) await(t *testing.T, what string, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		select {
		case err := <-i.done:
			t.Fatalf("run returned %v before it was %s; log: %s", err, what, i.stderr.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("not %s in time; log: %s", what, i.stderr.String())
		}
		<-time.After(10 * time.Millisecond)
	}
}

// admit asks for an admission and returns the status, body and the server certificate's serial number.
func (i *instance) admit(client *http.Client, body io.Reader) (*http.Response, string, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "https://"+i.admission+"/mutate", body)
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Content-Type", mediaType)
	response, err := client.Do(request)
	if err != nil {
		return nil, "", err
	}
	text, err := io.ReadAll(response.Body)
	return response, string(text), errors.Join(err, response.Body.Close())
}

func (i *instance) mustAdmit(t *testing.T, body io.Reader) *http.Response {
	t.Helper()
	response, text, err := i.admit(i.client, body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(text, `"allowed":true`) {
		t.Fatalf("answer is %v %s, error %v; log: %s", response, text, err, i.stderr.String())
	}
	return response
}

// serial is the serial number of the certificate that a new connection gets.
func (i *instance) serial(t *testing.T) int64 {
	t.Helper()
	client := i.newClient()
	defer client.CloseIdleConnections()
	response, _, err := i.admit(client, strings.NewReader(goodReview))
	if err != nil {
		t.Fatal(err)
	}
	return response.TLS.PeerCertificates[0].SerialNumber.Int64()
}

func get(t *testing.T, url string) int {
	t.Helper()
	status, _ := fetch(t, url)
	return status
}

func body(t *testing.T, url string) string {
	t.Helper()
	_, text := fetch(t, url)
	return text
}

// fetch returns status 0 if nobody listens.
func fetch(t *testing.T, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

func freePorts(tb testing.TB, count int) []string {
	tb.Helper()
	addresses := make([]string, 0, count)
	for len(addresses) < count {
		address, err := loopback.Address(tb.Context())
		if err != nil {
			tb.Fatal(err)
		}
		addresses = append(addresses, address)
	}
	return addresses
}

func writeConfig(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.yaml")
	writeFile(t, path, "apiVersion: config.pcp.io/v1alpha1\nkind: InjectorConfig\n")
	return path
}

func writeFile(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}
