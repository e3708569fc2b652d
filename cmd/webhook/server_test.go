package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// TestServes: it serves over TLS and HTTP/1.1, the only protocol of API servers, with the other listeners beside it.
func TestServes(t *testing.T) {
	t.Parallel()
	i := start(t, "0")
	response := i.mustAdmit(t, bytes.NewReader(reviewOf(t, "5KB")))
	if response.Proto != "HTTP/1.1" || response.TLS.Version != tls.VersionTLS13 {
		t.Errorf("protocol is %s with TLS %x, want HTTP/1.1 with TLS 1.3", response.Proto, response.TLS.Version)
	}
	if status := get(t, i.health+"/healthz"); status != http.StatusOK {
		t.Errorf("/healthz is %d", status)
	}
	page := body(t, i.metrics)
	if !strings.Contains(page, `pcp_injector_admissions_total{reason="Injected",result="injected"} 1`) {
		t.Errorf("/metrics does not count the admission: %s", page)
	}
	expiry := fmt.Sprintf("pcp_injector_certificate_expiry_timestamp_seconds %v\n", float64(i.certificates.notAfter.Unix()))
	if !strings.Contains(page, expiry) {
		t.Errorf("/metrics lacks %s", expiry)
	}
	for _, wrong := range []struct {
		method, path string
		want         int
	}{{http.MethodGet, "/mutate", http.StatusMethodNotAllowed}, {http.MethodPost, "/", http.StatusNotFound}} {
		request, err := http.NewRequestWithContext(t.Context(), wrong.method, "https://"+i.admission+wrong.path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		response, err := i.client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != wrong.want {
			t.Errorf("%s %s is %d, want %d", wrong.method, wrong.path, response.StatusCode, wrong.want)
		}
		if wrong.want == http.StatusMethodNotAllowed && response.Header.Get("Allow") != http.MethodPost {
			t.Errorf("Allow is %q, want POST", response.Header.Get("Allow"))
		}
	}
	i.cancel()
	i.wait(t)
	if strings.Contains(i.stderr.String(), "secret-value-of-the-environment") {
		t.Error("a secret is in the log")
	}
}

// TestCertificateReplaced: requests on old and new connections do not fail meanwhile, and the new certificate is served.
func TestCertificateReplaced(t *testing.T) {
	t.Parallel()
	i := start(t, "0")
	review := reviewOf(t, "5KB")
	stop := make(chan struct{})
	var load sync.WaitGroup
	for worker := range 4 {
		load.Go(func() {
			for count := 0; ; count++ {
				select {
				case <-stop:
					return
				default:
				}
				client := i.client
				if worker%2 == 0 {
					client = i.newClient()
				}
				response, text, err := i.admit(client, bytes.NewReader(review))
				if err != nil || response.StatusCode != http.StatusOK {
					t.Errorf("admission %d of worker %d fails: %v %s", count, worker, err, text)
					return
				}
				if worker%2 == 0 {
					client.CloseIdleConnections()
				}
			}
		})
	}
	i.certificates.replace(t)
	i.await(t, "serving the new certificate", func() bool { return i.serial(t) == i.certificates.serial })
	i.certificates.replace(t)
	i.await(t, "serving the newest certificate", func() bool { return i.serial(t) == i.certificates.serial })
	close(stop)
	load.Wait()
	expiry := fmt.Sprintf("pcp_injector_certificate_expiry_timestamp_seconds %v\n", float64(i.certificates.notAfter.Unix()))
	if page := body(t, i.metrics); !strings.Contains(page, expiry) {
		t.Errorf("/metrics lacks %s", expiry)
	}
}

// TestRetire: the answers of a draining server are the last on their connections.
func TestRetire(t *testing.T) {
	t.Parallel()
	s := &server{}
	handler := s.retire(http.NotFoundHandler())
	for _, test := range []struct {
		draining bool
		want     string
	}{{false, ""}, {true, "close"}} {
		s.draining.Store(test.draining)
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mutate", http.NoBody))
		if got := answer.Header().Get("Connection"); got != test.want || answer.Code != http.StatusNotFound {
			t.Errorf("draining %v: the header Connection is %q with status %d, want %q", test.draining, got, answer.Code, test.want)
		}
	}
}

// TestDrain: it is not ready at once, still serves for the drain time, and then answers what is in flight.
func TestDrain(t *testing.T) {
	t.Parallel()
	i := start(t, "1")
	reader, writer := io.Pipe()
	slow := make(chan error, 1)
	go func() {
		response, text, err := i.admit(i.newClient(), reader)
		if err == nil && (response.StatusCode != http.StatusOK || !strings.Contains(text, `"allowed":true`)) {
			err = fmt.Errorf("answer is %d %s", response.StatusCode, text)
		}
		slow <- err
	}()
	review := reviewOf(t, "5KB")
	if _, err := writer.Write(review[:100]); err != nil {
		t.Fatal(err)
	}
	i.cancel()
	i.await(t, "not ready", func() bool { return get(t, i.health+"/readyz") == http.StatusServiceUnavailable })
	i.mustAdmit(t, bytes.NewReader(review))
	i.await(t, "closed", func() bool {
		connection, err := net.Dial("tcp", i.admission)
		if err == nil {
			_ = connection.Close()
		}
		return err != nil
	})
	select {
	case err := <-i.done:
		t.Fatalf("run returns %v although a request is in flight", err)
	default:
	}
	if _, err := writer.Write(review[100:]); err != nil {
		t.Fatal(err)
	}
	_ = writer.Close()
	if err := <-slow; err != nil {
		t.Errorf("the request in flight fails: %v; log: %s", err, i.stderr.String())
	}
	i.wait(t)
}

// TestStartFails: it fails with one clear line and exit code 1.
func TestStartFails(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	free, certs := freePorts(t, 3), newCertificates(t)
	good := map[string]string{
		"--config": writeConfig(t), "--cert-dir": certs.dir, "--listen": free[0], "--health-listen": free[1], "--metrics-listen": free[2],
		"--client-ca": filepath.Join(certs.dir, "tls.crt"),
	}
	broken := filepath.Join(t.TempDir(), "broken.yaml")
	writeFile(t, broken, "apiVersion: config.pcp.io/v1alpha1\nkind: InjectorConfig\nimage: x\n")
	for _, test := range []struct{ flag, value, want string }{
		{"--listen", taken.Addr().String(), "failed to serve on --listen"},
		{"--health-listen", taken.Addr().String(), "failed to serve on --health-listen"},
		{"--metrics-listen", taken.Addr().String(), "failed to serve on --metrics-listen"},
		{"--cert-dir", t.TempDir(), "failed to load the certificate from --cert-dir"},
		{"--client-ca", "/nowhere.pem", `failed to load --client-ca "/nowhere.pem"`},
		{"--client-ca", broken, "contains no certificate"},
		{"--config", "/nowhere.yaml", "/nowhere.yaml"},
		{"--config", broken, "image"},
	} {
		var args []string
		for flag, value := range good {
			if flag == test.flag {
				value = test.value
			}
			args = append(args, flag, value)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		err := run(ctx, args, io.Discard, io.Discard)
		cancel()
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s %s: error is %v, want %q in it", test.flag, test.value, err, test.want)
			continue
		}
		var stderr bytes.Buffer
		if code := exitCode(err, &stderr); code != exitFailure || !strings.HasPrefix(stderr.String(), "pcp-injector: ") {
			t.Errorf("%s %s: exit code is %d after %q", test.flag, test.value, code, stderr.String())
		}
	}
}
