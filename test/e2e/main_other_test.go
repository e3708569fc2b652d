//go:build !linux

package e2e_test

import (
	"os"
	"testing"
)

func TestNodeMonitor(t *testing.T) {
	t.Parallel()
	const message = "needs a real node: run make e2e on Linux"
	if os.Getenv("E2E") != "" {
		t.Fatal(message)
	}
	t.Skip(message)
}
