//go:build !linux

package e2e_test

import "testing"

func TestNodeMonitor(t *testing.T) {
	t.Parallel()
	t.Skip("needs a real node: run make e2e, as root on Linux")
}
