// Package loopback hands out ports of the loopback interface to programs that are about to be started. Nobody takes such a port between its
// choice and its use. It is outside of the range from which the kernel takes the ports of outgoing connections: inside that range, a client
// that dials a port before the program listens can connect to itself (a TCP simultaneous open). Processes that choose their ports here
// never get the same one.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"sync"
)

// Host is the address of the loopback interface.
const Host = "127.0.0.1"

const (
	// lowest is above what Kubernetes' components listen on by default.
	lowest  = 10300
	highest = 65535
	// blockSize is how many ports a process takes at a time.
	blockSize = 32
)

// mine are the ports of this process.
var mine pool

// Port returns a port that nobody listens on, and that nobody else gets while this process runs.
func Port(ctx context.Context) (int, error) { return mine.port(ctx) }

// Address is Host with a Port.
func Address(ctx context.Context) (string, error) {
	port, err := Port(ctx)
	return join(port), err
}

func join(port int) string { return net.JoinHostPort(Host, strconv.Itoa(port)) }

// pool is what is left of the last block of ports. A process reserves a block by listening on its first port for as long as it runs, so the
// block is free again however the process ends. Consul's freeport does the same.
type pool struct {
	mutex     sync.Mutex
	next, end int
	leases    []net.Listener
}

func (p *pool) port(ctx context.Context) (int, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for {
		if p.next == p.end {
			if err := p.lease(ctx); err != nil {
				return 0, fmt.Errorf("no free port on %s: %w", Host, err)
			}
		}
		port := p.next
		p.next++
		// A program that does not choose its ports here may listen on this one.
		if listener, err := listen(ctx, port); err == nil {
			return port, listener.Close()
		}
	}
}

// lease takes another block. The search starts at a random block, so a port is not reused soon.
func (p *pool) lease(ctx context.Context) error {
	first, last := outside(ephemeral())
	blocks := (last - first + 1) / blockSize
	start := rand.IntN(blocks) //nolint:gosec // Nothing is secret about it.
	for n := range blocks {
		block := first + (start+n)%blocks*blockSize
		listener, err := listen(ctx, block)
		if err == nil {
			p.leases = append(p.leases, listener)
			p.next, p.end = block+1, block+blockSize
			return nil
		}
	}
	return errors.New("others have them all")
}

func listen(ctx context.Context, port int) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", join(port))
}

// ephemeral is the range from which the kernel takes the ports of outgoing connections. If it is unknown, this is not Linux, and the range
// is smaller than Linux's default.
func ephemeral() (low, high int) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err == nil {
		_, err = fmt.Sscan(string(text), &low, &high)
	}
	if err != nil {
		return 32768, 60999
	}
	return low, high
}

// outside is the larger range of ports beside the ephemeral one. If an administrator has left too few, it is the usual range: a block is
// still reserved for this process, but the kernel may give one of its ports away.
func outside(low, high int) (first, last int) {
	first, last = lowest, low-1
	if highest-high > last-first {
		first, last = high+1, highest
	}
	if last-first < 100*blockSize {
		return lowest, 32767
	}
	return first, last
}
