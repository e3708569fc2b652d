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
	addresses := freePorts(b, 3)
	var accepted time.Duration
	var resident int
	for b.Loop() {
		took, kilobytes := startOnce(b, addresses, command, "--config", config, "--cert-dir", certificates)
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

// startOnce starts the program on the given addresses for admission, health and metrics.
func startOnce(b *testing.B, addresses []string, command string, flags ...string) (accepted time.Duration, kilobytes int) {
	b.Helper()
	stderr := &safeBuffer{}
	cmd := exec.CommandContext(b.Context(), command, append(flags, "--drain", "0",
		"--listen", addresses[0], "--health-listen", addresses[1], "--metrics-listen", addresses[2])...)
	cmd.Stderr = stderr
	start := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() {
		_ = cmd.Process.Kill()
		<-ended
	}()
	for deadline := start.Add(patience); ; {
		dialer := &net.Dialer{Timeout: patience}
		connection, err := tls.DialWithDialer(dialer, "tcp", addresses[0], &tls.Config{InsecureSkipVerify: true})
		if err == nil {
			accepted = time.Since(start)
			_ = connection.Close()
			return accepted, residentMemory(b, cmd.Process.Pid)
		}
		select {
		case died := <-ended:
			ended <- died
			b.Fatalf("it ended before it accepted a TLS connection: %v; log: %s", died, stderr)
		default:
		}
		if time.Now().After(deadline) {
			b.Fatalf("no TLS connection was accepted: %v; log: %s", err, stderr)
		}
	}
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
