//go:build linux

package web

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/internal/launcher/retention"
	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
	"github.com/performancecopilot/pcp-injector/test/pcpfiles"
)

// newSite serves a volume with one archive of "node", and everything that must not be served.
func newSite(t *testing.T) (site *Site, volume string) {
	t.Helper()
	volume = t.TempDir()
	outside := filepath.Join(t.TempDir(), "20261101.0")
	pcpfiles.Write(t, outside, "secret")
	pcpfiles.Write(t, volume+"/node/20261101.00.10.0", "0123456789")
	pcpfiles.Write(t, volume+"/node/20261101.00.10.meta", "meta")
	pcpfiles.Write(t, volume+"/node/pmlogger.log", "secret")
	for name, target := range map[string]string{
		"node/20261102.0": outside, "node/20261103.0": "20261101.00.10.0", "away": filepath.Dir(outside), "other": "node",
	} {
		if err := os.Symlink(target, filepath.Join(volume, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mkfifo(volume+"/node/20261104.0", 0o644); err != nil {
		t.Fatal(err)
	}
	return &Site{
		State:    func() state.State { return state.State{Version: "v0.1.0", PCP: "7.2.2"} },
		Archives: &retention.Folder{Path: volume}, Logger: slog.New(slog.DiscardHandler),
	}, volume
}

func get(t *testing.T, site *Site, request *http.Request) *httptest.ResponseRecorder {
	t.Helper()
	recorder := httptest.NewRecorder()
	site.Handler().ServeHTTP(recorder, request)
	return recorder
}

func request(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, http.NoBody)
	r.Host = "localhost:44324"
	return r
}

func TestState(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	answer := get(t, site, request(http.MethodGet, "/state"))
	var got state.State
	if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil || got.Version != "v0.1.0" || got.PCP != "7.2.2" {
		t.Errorf("the state is %s (error: %v)", answer.Body, err)
	}
	if kind := answer.Header().Get("Content-Type"); kind != "application/json" {
		t.Errorf("it is of type %s", kind)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	var got state.List
	if err := json.Unmarshal(get(t, site, request(http.MethodGet, "/archives")).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Archives) != 1 || got.Omitted != 0 {
		t.Fatalf("the list is %+v, want one archive", got)
	}
	want := []string{"node/20261101.00.10.0", "node/20261101.00.10.meta"}
	if a := got.Archives[0]; a.Path != "node/20261101.00.10" || !cmp.Equal(a.Files, want) || time.Since(a.Written) > time.Hour {
		t.Errorf("the archive is %+v, want the files %v", a, want)
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	const path = "/archives/node/20261101.00.10.0"
	if got := get(t, site, request(http.MethodGet, path)); got.Code != http.StatusOK || got.Body.String() != "0123456789" {
		t.Errorf("the file is %d %q", got.Code, got.Body)
	}
	r := request(http.MethodGet, path)
	r.Header.Set("Range", "bytes=4-")
	got := get(t, site, r)
	if got.Code != http.StatusPartialContent || got.Body.String() != "456789" || got.Header().Get("Content-Range") != "bytes 4-9/10" {
		t.Errorf("its end is %d %q, %s", got.Code, got.Body, got.Header())
	}
	if got := get(t, site, request(http.MethodHead, path)); got.Code != http.StatusOK || got.Header().Get("Content-Length") != "10" {
		t.Errorf("it has %s bytes (%d)", got.Header().Get("Content-Length"), got.Code)
	}
}

// TestNothingElse: no path and no link leads to anything but archives, and nobody writes.
func TestNothingElse(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	for _, path := range []string{
		"/", "/archives/", "/archives/node", "/archives/node/pmlogger.log", "/archives/node/20261105.0",
		"/archives/node/20261102.0", "/archives/node/20261103.0", "/archives/node/20261104.0", // Links and a pipe, which is not waited for.
		"/archives/away/20261101.0", "/archives/other/20261101.00.10.0",
		"/archives/%2e%2e/20261101.0", "/archives/node/%2e%2e/node/20261101.00.10.0", "/archives//etc/passwd", "/archives/node%2f20261101.00.10.0%00",
	} {
		if got := get(t, site, request(http.MethodGet, path)); got.Code < 300 || strings.Contains(got.Body.String(), "secret") {
			t.Errorf("GET %s: %d %s", path, got.Code, got.Body)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		if got := get(t, site, request(method, "/archives/node/20261101.00.10.0")); got.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, got.Code)
		}
	}
}

func TestSharedVolume(t *testing.T) {
	t.Parallel()
	site, volume := newSite(t)
	pcpfiles.Write(t, volume+"/neighbor/20261101.0", "secret")
	site.Archives.Host = "node"
	if got := get(t, site, request(http.MethodGet, "/archives")); strings.Contains(got.Body.String(), "neighbor") {
		t.Errorf("another host's archives are listed: %s", got.Body)
	}
	if got := get(t, site, request(http.MethodGet, "/archives/neighbor/20261101.0")); got.Code != http.StatusNotFound {
		t.Errorf("another host's archive: %d", got.Code)
	}
	if got := get(t, site, request(http.MethodGet, "/archives/node/20261101.00.10.0")); got.Code != http.StatusOK {
		t.Errorf("the own archive: %d", got.Code)
	}
}

func TestWithoutPMLogger(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	site.Archives = nil
	for _, path := range []string{"/archives", "/archives/node/20261101.00.10.0"} {
		if got := get(t, site, request(http.MethodGet, path)); got.Code != http.StatusNotFound || !strings.Contains(got.Body.String(), "pmlogger does not run") {
			t.Errorf("%s: %d %s", path, got.Code, got.Body)
		}
	}
}

// TestHosts: a page in a browser cannot give the loopback address a name of its own.
func TestHosts(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	for host, want := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "127.0.0.1:44324": 200, "[::1]:44324": 200, "[::1]": 200, "127.0.0.1": 200,
		"evil.example": 421, "evil.example:44324": 421, "10.0.0.1": 421, "": 421, "localhost.evil.example": 421,
	} {
		r := request(http.MethodGet, "/state")
		r.Host = host
		if got := get(t, site, r); got.Code != want {
			t.Errorf("host %q: %d, want %d", host, got.Code, want)
		}
	}
}

// TestServe: the port is waited for, and what is served ends with the context.
func TestServe(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	var log syncBuffer
	site.Logger = slog.New(slog.NewTextHandler(&log, nil))
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error)
	go func() { served <- site.Serve(ctx, taken.Addr().String()) }()
	for !strings.Contains(log.String(), "another process has the port") {
		await(t)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("the error is %v", err)
	}

	ctx, cancel = context.WithCancel(t.Context())
	defer cancel()
	go func() { served <- site.Serve(ctx, "127.0.0.1:0") }()
	address := ""
	for address == "" {
		await(t)
		_, address, _ = strings.Cut(log.String(), "msg=serves address=")
	}
	response, err := http.Get("http://" + strings.TrimSpace(address) + "/archives/node/20261101.00.10.0")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || string(body) != "0123456789" {
		t.Errorf("the file is %q (error: %v)", body, err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Errorf("the error is %v", err)
	}
}

// TestConnections: one more waits until another one is closed.
func TestConnections(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	listener, accepted := limit(inner, 2), make(chan net.Conn)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted <- conn
		}
	}()
	for range 3 {
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { conn.Close() })
	}
	first := <-accepted
	<-accepted
	if open := len(listener.(*limited).slots); open != 2 {
		t.Errorf("%d connections are open, want 2", open)
	}
	select {
	case <-accepted:
		t.Error("a third connection is open")
	case <-time.After(50 * time.Millisecond):
	}
	_, _ = first.Close(), first.Close() // Closing twice gives one slot back.
	<-accepted
}

func TestRequestsAtATime(t *testing.T) {
	t.Parallel()
	site, _ := newSite(t)
	entered, leave := make(chan struct{}), make(chan struct{})
	site.State = func() state.State {
		entered <- struct{}{}
		<-leave
		return state.State{}
	}
	handler := site.Handler()
	for range maxRequests {
		go handler.ServeHTTP(httptest.NewRecorder(), request(http.MethodGet, "/state"))
		<-entered
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request(http.MethodGet, "/archives"))
	close(leave)
	if recorder.Code != http.StatusServiceUnavailable {
		t.Errorf("request %d at a time: %d", maxRequests+1, recorder.Code)
	}
}

// TestOmitted: a list is bounded.
func TestOmitted(t *testing.T) {
	t.Parallel()
	site, volume := newSite(t)
	for n := range state.MaxArchives + 1 {
		if err := os.WriteFile(fmt.Sprintf("%s/node/20200101.%05d.0", volume, n), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got state.List
	if err := json.Unmarshal(get(t, site, request(http.MethodGet, "/archives")).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Archives) != state.MaxArchives || got.Omitted != 2 {
		t.Errorf("the list has %d archives, and %d are omitted", len(got.Archives), got.Omitted)
	}
}

// syncBuffer is written to and read at a time.
type syncBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *syncBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(text)
}

func (b *syncBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}

// await is the rest between two looks.
func await(t *testing.T) {
	t.Helper()
	select {
	case <-t.Context().Done():
		t.Fatal("it never came")
	case <-time.After(5 * time.Millisecond):
	}
}
