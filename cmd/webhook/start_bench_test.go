package main

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// BenchmarkStart measures the program as a pod runs it: the time from exec to an accepted TLS connection, and the resident
// memory once it is idle. Linux only.
func BenchmarkStart(b *testing.B) {
	folder := b.TempDir()
	command := filepath.Join(folder, "pcp-injector")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", command, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, output)
	}
	certificates := benchmarkCertificate(b)
	config := filepath.Join(folder, "config.yaml")
	// An empty configuration is the default one.
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		b.Fatal(err)
	}
	var accepted time.Duration
	var resident int
	for b.Loop() {
		took, kilobytes := startOnce(b, command, config, certificates)
		accepted += took
		resident += kilobytes
	}
	b.ReportMetric(float64(accepted.Microseconds())/1000/float64(b.N), "ms-to-TLS")
	b.ReportMetric(float64(resident)/1024/float64(b.N), "MiB-resident")
}

func benchmarkCertificate(b *testing.B) string {
	b.Helper()
	authority, err := cluster.NewAuthority("benchmark")
	if err != nil {
		b.Fatal(err)
	}
	certificate, err := authority.ServingCertificate("localhost")
	if err != nil {
		b.Fatal(err)
	}
	folder := b.TempDir()
	if err := certificate.Write(folder); err != nil {
		b.Fatal(err)
	}
	return folder
}

func freeAddress(b *testing.B) string {
	b.Helper()
	listener, err := (&net.ListenConfig{}).Listen(b.Context(), "tcp", "localhost:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

func startOnce(b *testing.B, command, config, certificates string) (accepted time.Duration, kilobytes int) {
	b.Helper()
	listen, health, metrics := freeAddress(b), freeAddress(b), freeAddress(b)
	cmd := exec.CommandContext(b.Context(), command, "--config", config, "--cert-dir", certificates, "--listen", listen,
		"--health-listen", health, "--metrics-listen", metrics, "--drain", "0")
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	for time.Since(start) < 10*time.Second {
		dialer := &net.Dialer{Timeout: time.Second}
		connection, err := tls.DialWithDialer(dialer, "tcp", listen, &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			accepted = time.Since(start)
			_ = connection.Close()
			break
		}
	}
	if accepted == 0 {
		b.Fatal("no TLS connection was accepted")
	}
	return accepted, residentMemory(b, cmd.Process.Pid)
}

func residentMemory(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip("no /proc: resident memory is measured on Linux only")
	}
	for line := range strings.Lines(string(status)) {
		if value, found := strings.CutPrefix(line, "VmRSS:"); found {
			kilobytes, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				b.Fatal(err)
			}
			return kilobytes
		}
	}
	b.Fatal("no VmRSS in the status of the process")
	return 0
}
