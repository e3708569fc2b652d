package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// victim is the program in its own process.
type victim struct {
	// crowded: strangers come from so many addresses that new connections of other clients may fail.
	crowded bool
	*instance
	process *os.Process
	log     string
	// source is the attacker's address. Ordinary clients have another.
	source net.IP
}

func startVictim(t *testing.T, command string) *victim {
	t.Helper()
	ports := freePorts(t, 3)
	i := &instance{
		admission: ports[0], health: "http://" + ports[1], metrics: "http://" + ports[2] + "/metrics",
		certificates: newCertificates(t), done: make(chan error, 1), stderr: &safeBuffer{},
	}
	i.client = i.newClient()
	v := &victim{instance: i, log: filepath.Join(t.TempDir(), "log"), source: net.IPv4(127, 0, 0, 7)}
	log, err := os.Create(v.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.CommandContext(t.Context(), command, "--config", writeConfig(t), "--cert-dir", i.certificates.dir, "--drain", "0",
		"--listen", ports[0], "--health-listen", ports[1], "--metrics-listen", ports[2])
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	v.process = cmd.Process
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			text, _ := os.ReadFile(v.log)
			t.Logf("log: %s", clip(string(text), 4000))
		}
	})
	i.await(t, "ready", func() bool { return get(t, i.health+"/readyz") == http.StatusOK })
	return v
}

// resident is the peak of the resident memory, in KiB.
func (v *victim) resident(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", v.process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmHWM:"); found {
			kilobytes, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				t.Fatal(err)
			}
			return kilobytes
		}
	}
	t.Fatal("the process is gone")
	return 0
}

func (v *victim) logSize(t *testing.T) int64 {
	t.Helper()
	info, err := os.Stat(v.log)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// whileServing runs an attack while ordinary pods are created on old and new connections and probes run. All of these are answered.
func (v *victim) whileServing(t *testing.T, attack func()) {
	t.Helper()
	stop := make(chan struct{})
	review := reviewOf(t, "5KB")
	var served atomic.Int32
	var load sync.WaitGroup
	load.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			case <-time.After(10 * time.Millisecond):
			}
			client := v.client
			if n%4 == 0 {
				client = v.newClient()
			}
			response, text, err := v.admit(client, bytes.NewReader(review))
			if err != nil && n%4 == 0 && v.crowded {
				continue // as the pod's controller tries again
			}
			if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(text, `"allowed":true`) {
				t.Errorf("ordinary pod %d is not answered: %v %s", n, err, text)
				return
			}
			if n%4 == 0 {
				client.CloseIdleConnections()
				if status := get(t, v.health+"/readyz"); status != http.StatusOK {
					t.Errorf("/readyz is %d", status)
				}
			}
			served.Add(1)
		}
	})
	attack()
	close(stop)
	load.Wait()
	if served.Load() == 0 {
		t.Error("no ordinary pod was answered")
	}
}

func (v *victim) dial(t *testing.T, address string) (net.Conn, error) {
	t.Helper()
	return v.dialFrom(t.Context(), v.source, address)
}

func (*victim) dialFrom(ctx context.Context, source net.IP, address string) (net.Conn, error) {
	dialer := net.Dialer{Timeout: patience, LocalAddr: &net.TCPAddr{IP: source}}
	return dialer.DialContext(ctx, "tcp", address)
}

// dialTLS returns the error of a refused connection.
func (v *victim) dialTLS(t *testing.T, protocols ...string) (*tls.Conn, error) {
	t.Helper()
	plain, err := v.dial(t, v.admission)
	if err != nil {
		return nil, err
	}
	return v.secure(plain, protocols...)
}

func (v *victim) secure(plain net.Conn, protocols ...string) (*tls.Conn, error) {
	secure := tls.Client(plain, &tls.Config{
		RootCAs: v.certificates.pool, ServerName: "127.0.0.1", MinVersion: tls.VersionTLS13, NextProtos: protocols,
	})
	_ = plain.SetDeadline(time.Now().Add(patience))
	if err := secure.Handshake(); err != nil {
		_ = plain.Close()
		return nil, err
	}
	return secure, nil
}
