package toolchain

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/rogpeppe/go-internal/lockedfile"
)

// Lock takes the lock file. Of several processes, one then does something while the others wait, and out says for what. The operating
// system frees the lock when its holder dies.
func Lock(ctx context.Context, out io.Writer, path, doing string) (unlock func(), err error) {
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
				return nil, fmt.Errorf("failed to lock: %w", got.err)
			}
			return got.unlock, nil
		case <-patience.C:
			fmt.Fprintf(out, "waiting for another process that is %s (it holds %s)\n", doing, path)
		case <-ctx.Done():
			return nil, fmt.Errorf("stopped while another process was %s (it holds %s): %w", doing, path, ctx.Err())
		}
	}
}
