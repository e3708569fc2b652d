package toolchain

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// lock takes the lock file, so that of several test packages that need a tool one builds it and the others wait. The
// operating system frees the lock when its holder dies.
func lock(ctx context.Context, out io.Writer, path, what string) (unlock func(), err error) {
	type held struct {
		unlock func()
		err    error
	}
	result := make(chan held)
	go func() {
		unlock, err := lockedfile.MutexAt(path).Lock()
		select {
		case result <- held{unlock, err}:
		case <-ctx.Done():
			if err == nil {
				unlock()
			}
		}
	}()
	patience := time.NewTimer(time.Second)
	defer patience.Stop()
	for {
		select {
		case got := <-result:
			if got.err != nil {
				return nil, fmt.Errorf("failed to lock the tool's cache: %w", got.err)
			}
			return got.unlock, nil
		case <-patience.C:
			fmt.Fprintf(out, "waiting for another process that is preparing %s (it holds %s)\n", what, path)
		case <-ctx.Done():
			return nil, fmt.Errorf("stopped while another process was preparing %s: %w", what, ctx.Err())
		}
	}
}
