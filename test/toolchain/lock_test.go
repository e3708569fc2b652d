package toolchain

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
)

// TestLock: the second process says what it waits for, and waits until the first is done or it is stopped itself.
func TestLock(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := Lock(t.Context(), io.Discard, path, "first")
	if err != nil {
		t.Fatal(err)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Lock(stopped, io.Discard, path, "first"); !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), path) {
		t.Errorf("the error is %v, want it to name %s", err, path)
	}
	said, out := io.Pipe()
	second := make(chan error, 1)
	go func() {
		release, err := Lock(t.Context(), out, path, "first")
		if err == nil {
			release()
		}
		second <- errors.Join(err, out.Close())
	}()
	line := make([]byte, 1024)
	n, err := said.Read(line)
	if got, want := string(line[:n]), "waiting for another process that is first (it holds "+path+")\n"; got != want {
		t.Errorf("the second says %q, want %q (error: %v)", got, want, err)
	}
	unlock()
	if err := <-second; err != nil {
		t.Error(err)
	}
}
