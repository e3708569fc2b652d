package loopback

import (
	"sync"
	"testing"
)

// TestPort: pools, each standing for a process, hand out different ports that can be listened on and that no outgoing connection gets.
func TestPort(t *testing.T) {
	t.Parallel()
	const processes, each = 8, 3 * blockSize
	var group sync.WaitGroup
	found := make(chan int, processes*each)
	for range processes {
		var p pool
		t.Cleanup(p.release)
		group.Go(func() {
			for range each {
				port, err := p.port(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				found <- port
			}
		})
	}
	group.Wait()
	close(found)
	low, high := ephemeral()
	seen := map[int]bool{}
	for port := range found {
		if seen[port] {
			t.Errorf("port %d was handed out twice", port)
		}
		seen[port] = true
		if first, last := outside(low, high); port < first || port > last {
			t.Errorf("port %d is not from %d to %d", port, first, last)
		}
	}
}

// TestTakenPort: ports that others listen on are skipped.
func TestTakenPort(t *testing.T) {
	t.Parallel()
	var p pool
	t.Cleanup(p.release)
	port, err := p.port(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	other, err := listen(t.Context(), port+1)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	if next, err := p.port(t.Context()); err != nil || next == port+1 {
		t.Errorf("got port %d (error: %v), want one that nobody listens on", next, err)
	}
}

func TestOutside(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ low, high, first, last int }{
		{32768, 60999, lowest, 32767},
		{49152, 65535, lowest, 49151},
		{1024, 40000, 40001, highest},
		{1024, 65535, lowest, 32767},
		{9000, 65000, lowest, 32767},
	} {
		first, last := outside(test.low, test.high)
		if first != test.first || last != test.last {
			t.Errorf("outside of %d to %d: %d to %d, want %d to %d", test.low, test.high, first, last, test.first, test.last)
		}
	}
}

// release gives the blocks back, as a process does when it ends.
func (p *pool) release() {
	for _, lease := range p.leases {
		_ = lease.Close()
	}
}
