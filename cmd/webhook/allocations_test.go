//go:build !race

// The race detector also allocates.

package main

import "testing"

// maxAllocations is the limit for an injection into the pod of 5 KB.
const maxAllocations = 80

// TestAllocations guards the cost of an injection: unlike times, allocations do not depend on the machine.
func TestAllocations(t *testing.T) {
	h, body := newTestHandler(t), reviewOf(t, "5KB")
	if response := decodeResponse(t, post(h, body)); len(response.Patch) == 0 {
		t.Fatalf("the pod is not injected: %+v", response)
	}
	allocations := testing.AllocsPerRun(200, func() { send(h, body) })
	t.Logf("%.0f allocations", allocations)
	if allocations > maxAllocations {
		t.Errorf("an injection takes %.0f allocations, want at most %d", allocations, maxAllocations)
	}
}
