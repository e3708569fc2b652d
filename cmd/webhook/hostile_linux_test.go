package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// maxResident is what the process may ever have resident.
	maxResident = 64 << 10 // KiB
	atOnce      = 64
)

// TestHostile attacks the real program in its own process. It stays small, answers ordinary pods meanwhile, and fills no disk.
func TestHostile(t *testing.T) { //nolint:tparallel // one attack at a time, or none is what it claims to be
	t.Parallel()
	if testing.Short() {
		t.Skip("builds the program")
	}
	command := filepath.Join(t.TempDir(), "pcp-injector")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", command, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for name, attack := range map[string]func(*testing.T, *victim){
		"bodies":              attackWithBodies,
		"slow bodies":         attackWithSlowBodies,
		"headers":             attackWithHeaders,
		"idle connections":    attackWithIdleConnections,
		"wrong protocols":     attackWithWrongProtocols,
		"HTTP2":               attackWithHTTP2,
		"garbage requests":    attackWithGarbage,
		"plain HTTP ports":    attackPlainPorts,
		"unread answers":      attackWithoutReading,
		"handshakes":          attackWithHandshakes,
		"closed half":         attackHalfClosed,
		"bodies from sources": attackFromManySources,
	} {
		t.Run(name, func(t *testing.T) {
			v := startVictim(t, command)
			before := v.resident(t)
			// With more addresses than places, a connection may be lost before its first answer.
			v.crowded = name == "bodies from sources"
			v.whileServing(t, func() { attack(t, v) })
			t.Logf("%d KiB resident at first, %d at most, %d bytes logged", before, v.resident(t), v.logSize(t))
			if peak := v.resident(t); peak > maxResident {
				t.Errorf("%d KiB were resident, want at most %d", peak, maxResident)
			}
			if size := v.logSize(t); size > 256<<10 {
				t.Errorf("%d bytes were logged", size)
			}
		})
	}
}

const requestHead = "POST /mutate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"

// attacker is a client from another source than the ordinary ones.
func (v *victim) attacker(source net.IP) *http.Client {
	client := v.newClient()
	transport, _ := client.Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, _, address string) (net.Conn, error) {
		return v.dialFrom(ctx, source, address)
	}
	return client
}

// attackWithBodies sends each of the worst bodies alone, all of them at once, and one many times at once, some without their length.
func attackWithBodies(t *testing.T, v *victim) {
	t.Helper()
	client := v.attacker(v.source)
	defer client.CloseIdleConnections()
	worst := hostileBodies()
	names := slices.Sorted(maps.Keys(worst))
	for n, name := range names {
		before := v.resident(t)
		v.sendHostile(t, name, client, worst[name], n%2 == 1)
		if grown := v.resident(t) - before; grown > 1<<10 {
			t.Logf("%s: %d KiB more", name, grown)
		}
	}
	var all sync.WaitGroup
	for n := range atOnce {
		all.Go(func() {
			name := names[n%len(names)]
			v.sendHostile(t, name, client, worst[name], n%2 == 1)
		})
	}
	all.Wait()
	t.Logf("mixed: %d KiB", v.resident(t))
	for n := range atOnce {
		all.Go(func() { v.sendHostile(t, "containers", client, worst["containers"], n%2 == 1) })
	}
	all.Wait()
}

// sendHostile expects a clear answer, if any: a server that stops reading may close the connection first.
func (v *victim) sendHostile(t *testing.T, name string, client *http.Client, body []byte, chunked bool) {
	t.Helper()
	var reader io.Reader = bytes.NewReader(body)
	if chunked {
		reader = io.MultiReader(reader)
	}
	response, text, err := v.admit(client, reader)
	if err != nil {
		return
	}
	switch response.StatusCode {
	case http.StatusOK, http.StatusBadRequest, http.StatusTooManyRequests, http.StatusRequestTimeout:
	default:
		t.Errorf("%s: answer is %d %s", name, response.StatusCode, clip(text, 200))
	}
}

func attackFromManySources(t *testing.T, v *victim) {
	t.Helper()
	body := hostileBodies()["containers"]
	var all sync.WaitGroup
	for n := range 3 * atOnce {
		client := v.attacker(net.IPv4(127, 0, 1, byte(n)))
		all.Go(func() {
			v.sendHostile(t, "containers", client, body, n%2 == 1)
			client.CloseIdleConnections()
		})
	}
	all.Wait()
}

// attackWithSlowBodies fills every place with bodies that do not end, ordinary ones and one that takes the turn of large ones.
func attackWithSlowBodies(t *testing.T, v *victim) {
	t.Helper()
	for n := range 2 * maxConnections {
		connection, err := v.dialTLS(t)
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = connection.Close() })
		length, sent := ordinaryBody, ordinaryBody-1
		if n%8 == 0 {
			length, sent = maxBody, 2*ordinaryBody
		}
		_, _ = fmt.Fprintf(connection, requestHead+"Content-Length: %d\r\n\r\n%s", length, strings.Repeat(" ", sent))
	}
	<-time.After(2 * largeBodyTime)
}

// attackWithHeaders sends as many and as long headers as it can, and never ends them.
func attackWithHeaders(t *testing.T, v *victim) {
	t.Helper()
	var many strings.Builder
	for n := range 1200 {
		many.WriteString(strconv.FormatInt(int64(n), 36) + ":\n")
	}
	for n := range 3 * maxConnections {
		connection, err := v.dialTLS(t)
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = connection.Close() })
		switch n % 3 {
		case 0:
			_, _ = io.WriteString(connection, requestHead+many.String())
		case 1:
			_, _ = io.WriteString(connection, requestHead+many.String()[:3900]+"Content-Length: 9\r\n\r\n")
		default:
			_, _ = io.WriteString(connection, requestHead+"X: "+strings.Repeat("a", 1<<20))
		}
	}
	<-time.After(time.Second)
}

// attackWithIdleConnections opens ten thousand, or as many as the limit on open files allows.
func attackWithIdleConnections(t *testing.T, v *victim) {
	t.Helper()
	count := 10_000
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil {
		count = min(count, int(min(limit.Cur, 1<<20))/2)
	}
	opened := 0
	for n := range count {
		plain, err := v.dialFrom(t.Context(), net.IPv4(127, 0, 2, byte(n%4)), v.admission)
		if err != nil {
			continue
		}
		opened++
		t.Cleanup(func() { _ = plain.Close() })
		if n%50 == 0 {
			if secure, err := v.secure(plain); err == nil {
				t.Cleanup(func() { _ = secure.Close() })
			}
		}
	}
	t.Logf("%d connections", opened)
	// A count at one moment says less: while one connection is replaced by another, one is missing.
	page := body(t, v.metrics)
	if !regexp.MustCompile(`(?m)^pcp_injector_connections_shed_total\{listener="admission"\} [1-9]`).MatchString(page) {
		t.Errorf("the limit on connections is not reached: %s", clip(page[max(0, strings.Index(page, "pcp_injector_connections{")):], 300))
	}
}

// attackWithWrongProtocols: no TLS, an old TLS, HTTP/2 alone, or noise.
func attackWithWrongProtocols(t *testing.T, v *victim) {
	t.Helper()
	for n := range 2000 {
		plain, err := v.dial(t, v.admission)
		if err != nil {
			continue
		}
		_ = plain.SetDeadline(time.Now().Add(patience))
		switch n % 4 {
		case 0:
			_, _ = io.WriteString(plain, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		case 1:
			err = tls.Client(plain, &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12}).Handshake()
			if err == nil {
				t.Error("TLS 1.2 is spoken")
			}
		case 2:
			if _, err = v.secure(plain, "h2"); err == nil {
				t.Error("HTTP/2 is spoken")
			}
		default:
			_, _ = plain.Write(bytes.Repeat([]byte{0x16, 3, 3, 0xff, 0xff}, 10_000))
		}
		_ = plain.Close()
	}
}

// attackWithHTTP2 sends rapid resets and floods of CONTINUATION to a server that has not agreed to HTTP/2.
func attackWithHTTP2(t *testing.T, v *victim) {
	t.Helper()
	frame := func(kind, flags byte, stream uint32, payload string) string {
		return string([]byte{0, byte(len(payload) >> 8), byte(len(payload)), kind, flags, byte(stream >> 24), byte(stream >> 16), byte(stream >> 8), byte(stream)}) + payload
	}
	var resets, continuations strings.Builder
	for n := range uint32(20_000) {
		resets.WriteString(frame(1, 5, 2*n+1, "\x82\x86\x84") + frame(3, 0, 2*n+1, "\x00\x00\x00\x08"))
		continuations.WriteString(frame(9, 0, 1, strings.Repeat("\x40\x01a\x01b", 20)))
	}
	const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
	for n := range 200 {
		connection, err := v.dialTLS(t)
		if err != nil {
			continue
		}
		flood := resets.String()
		if n%2 == 1 {
			flood = frame(1, 0, 1, "\x82") + continuations.String()
		}
		_, _ = io.WriteString(connection, preface+frame(4, 0, 0, "")+flood)
		_ = connection.Close()
	}
}

// attackWithGarbage sends what gets logged, as fast as it can.
func attackWithGarbage(t *testing.T, v *victim) {
	t.Helper()
	client := v.attacker(v.source)
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 500 {
				_, _, _ = v.admit(client, strings.NewReader(edit("AdmissionReview", strings.Repeat("\x01", 20_000))))
			}
		})
	}
	all.Wait()
}

// attackPlainPorts opens thousands of connections to the ports of the probes and metrics, and leaves answers unread.
func attackPlainPorts(t *testing.T, v *victim) {
	t.Helper()
	metrics, _, _ := strings.Cut(strings.TrimPrefix(v.metrics, "http://"), "/")
	for n := range 2000 {
		address := metrics
		if n%2 == 0 {
			address = strings.TrimPrefix(v.health, "http://")
		}
		connection, err := v.dial(t, address)
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = connection.Close() })
		_ = connection.SetDeadline(time.Now().Add(patience))
		_, _ = io.WriteString(connection, strings.Repeat("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 100))
	}
}

// attackWithoutReading asks for injections on and on, and reads no answer.
func attackWithoutReading(t *testing.T, v *victim) {
	t.Helper()
	review := reviewOf(t, "5KB")
	request := fmt.Sprintf(requestHead+"Content-Length: %d\r\n\r\n%s", len(review), review)
	var all sync.WaitGroup
	for range maxConnections {
		connection, err := v.dialTLS(t)
		if err != nil {
			continue
		}
		all.Go(func() {
			t.Cleanup(func() { _ = connection.Close() })
			_ = connection.SetDeadline(time.Now().Add(3 * time.Second))
			for range 200 {
				if _, err := io.WriteString(connection, request); err != nil {
					return
				}
			}
		})
	}
	all.Wait()
}

// attackWithHandshakes makes TLS handshakes and leaves.
func attackWithHandshakes(t *testing.T, v *victim) {
	t.Helper()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 250 {
				if connection, err := v.dialTLS(t); err == nil {
					_ = connection.Close()
				}
			}
		})
	}
	all.Wait()
}

// attackHalfClosed closes its direction, with and without a request before that.
func attackHalfClosed(t *testing.T, v *victim) {
	t.Helper()
	for n := range 2 * maxConnections {
		plain, err := v.dial(t, v.admission)
		if err != nil {
			continue
		}
		t.Cleanup(func() { _ = plain.Close() })
		socket, ok := plain.(*net.TCPConn)
		if !ok {
			t.Fatalf("%T is no TCP connection", plain)
		}
		if n%3 > 0 {
			secure, err := v.secure(plain)
			if err != nil {
				continue
			}
			if n%3 > 1 {
				_, _ = fmt.Fprintf(secure, requestHead+"Content-Length: %d\r\n\r\n%s", len(goodReview), goodReview)
			}
		}
		_ = socket.CloseWrite()
		if n%3 > 1 {
			continue
		}
		_ = plain.SetReadDeadline(time.Now().Add(patience))
		if _, err := bufio.NewReader(plain).ReadByte(); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("a half-closed connection stays open")
		}
	}
}
