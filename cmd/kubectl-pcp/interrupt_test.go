package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
)

// TestInterrupt: Ctrl-C, while a cluster is slow to answer, ends every verb in the same way, and with no half of a list.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	for _, arguments := range []string{
		"check", "check --wait", "explain deployment/a", "explain -f testdata/asks.yaml", "rehearse deployment/a", "status", "upgrade a --image b", "verify",
	} {
		t.Run(arguments, func(t *testing.T) {
			t.Parallel()
			requireInterrupted(t, arguments)
		})
	}
}

func requireInterrupted(t *testing.T, arguments string) {
	t.Helper()
	asked := make(chan struct{})
	var once sync.Once
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, request *http.Request) {
		once.Do(func() { close(asked) })
		<-request.Context().Done()
	}))
	defer server.Close()
	executable, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), executable, append(strings.Fields(arguments), "--server", server.URL)...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "KUBECONFIG="+os.DevNull)
	var stdout, stderr strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != exitInterrupted || stdout.String() != "" || stderr.String() != "error: interrupted\n" {
		t.Errorf("exit code %d, want %d and one line:\n%s%s", code, exitInterrupted, stderr.String(), stdout.String())
	}
}
