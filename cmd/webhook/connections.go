package main

import (
	"context"
	"crypto/tls"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// maxConnections to the webhook. An API server keeps at most 25 idle ones, and has more only while it waits for more answers.
	// https://github.com/kubernetes/client-go/blob/v0.37.2/transport/cache.go
	maxConnections = 128
	// usefulShare: a source keeps its connections on which a pod was decided, up to a quarter of the places.
	usefulShare = 4
	// maxPlainConnections is for probes, and for scrapers.
	maxPlainConnections = 32
	// socketBuffer limits what the kernel keeps for one connection, unread or unsent: otherwise it would grow to megabytes, which also
	// count against the container's memory limit.
	socketBuffer = 64 << 10
)

// connections is a listener with a limit on open connections. Beyond the limit, a new one replaces one on which no pod was decided yet: of
// the source that has most of those, the one that showed no sign of life for longest. A source that opens thousands thus closes its own,
// and an API server with its few is served, even if strangers come from many addresses. A source with more than its share of the places
// counts as a stranger, whatever was decided for it.
type connections struct {
	net.Listener
	limit int
	open  prometheus.Gauge
	shed  prometheus.Counter

	mu      sync.Mutex
	members map[*connection]struct{}
}

// connection is an accepted connection. It counts until it is closed.
type connection struct {
	net.Conn
	owner *connections
	// source is the address, or for IPv6 the /64, which may belong to one host.
	source netip.Prefix
	// since is when the state last changed between waiting for a request and not waiting.
	since   time.Time
	waiting bool
	// useful: a pod was decided on it.
	useful bool
}

func newConnections(listener net.Listener, limit int, open prometheus.Gauge, shed prometheus.Counter) *connections {
	return &connections{
		Listener: listener, limit: limit, open: open, shed: shed,
		members: map[*connection]struct{}{},
	}
}

// Accept returns the next connection that gets a place.
func (c *connections) Accept() (net.Conn, error) {
	for {
		accepted, err := c.Listener.Accept()
		if err != nil {
			return nil, err //nolint:wrapcheck // http.Server looks for its own errors
		}
		member := &connection{Conn: accepted, owner: c, source: sourceOf(accepted), since: time.Now(), waiting: true}
		if c.admit(member) {
			bufferLittle(accepted)
			return member, nil
		}
		_ = accepted.Close()
	}
}

func bufferLittle(accepted net.Conn) {
	if socket, ok := accepted.(*net.TCPConn); ok {
		// An error means that the connection is gone.
		_ = socket.SetReadBuffer(socketBuffer)
		_ = socket.SetWriteBuffer(socketBuffer)
	}
}

func sourceOf(accepted net.Conn) netip.Prefix {
	address, ok := accepted.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	source := address.AddrPort().Addr().Unmap().WithZone("")
	bits := source.BitLen()
	if source.Is6() {
		bits = 64
	}
	prefix, err := source.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}

// admit makes room if there is none, and fails if it may close nothing.
func (c *connections) admit(member *connection) bool {
	c.mu.Lock()
	var victim *connection
	if len(c.members) >= c.limit {
		c.shed.Inc()
		if victim = c.victim(member.source); victim == nil {
			c.mu.Unlock()
			return false
		}
		c.remove(victim)
	}
	c.members[member] = struct{}{}
	c.open.Inc()
	c.mu.Unlock()
	if victim != nil {
		_ = victim.Conn.Close()
	}
	return true
}

// victim is the connection to close for a new one from the source: any one of a source that has more, or one of its own that waits.
func (c *connections) victim(source netip.Prefix) *connection {
	candidates := c.dispensable()
	counts, most := map[netip.Prefix]int{}, 0
	for _, member := range candidates {
		counts[member.source]++
		most = max(most, counts[member.source])
	}
	own := counts[source] == most
	var oldest *connection
	for _, member := range candidates {
		candidate := counts[member.source] == most
		if own {
			candidate = member.source == source && member.waiting
		}
		if candidate && (oldest == nil || member.since.Before(oldest.since)) {
			oldest = member
		}
	}
	return oldest
}

// dispensable are the connections that have not been useful yet, and all of a source with more than its share; or all connections if there
// are none of these. Without the share, a client that asks for injections on every place would close each new connection of an API server.
func (c *connections) dispensable() []*connection {
	counts := map[netip.Prefix]int{}
	for member := range c.members {
		counts[member.source]++
	}
	var candidates []*connection
	for member := range c.members {
		if !member.useful || counts[member.source] > c.limit/usefulShare {
			candidates = append(candidates, member)
		}
	}
	if len(candidates) == 0 {
		return slices.Collect(maps.Keys(c.members))
	}
	return candidates
}

func (c *connections) remove(member *connection) {
	if _, found := c.members[member]; found {
		delete(c.members, member)
		c.open.Dec()
	}
}

// Close frees the place.
func (m *connection) Close() error {
	m.owner.mu.Lock()
	m.owner.remove(m)
	m.owner.mu.Unlock()
	return m.Conn.Close() //nolint:wrapcheck // http.Server looks for its own errors
}

// noteState is called by http.Server when a connection changes its state.
func noteState(conn net.Conn, state http.ConnState) {
	note(conn, func(member *connection) {
		member.since, member.waiting = time.Now(), state == http.StateNew || state == http.StateIdle
	})
}

// connectionKey is the key of the connection in the context of a request.
type connectionKey struct{}

// withConnection is called by http.Server for the context of a connection's requests.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// noteUse records that a pod was decided on the request's connection.
func noteUse(ctx context.Context) {
	if conn, ok := ctx.Value(connectionKey{}).(net.Conn); ok {
		note(conn, func(member *connection) { member.useful = true })
	}
}

func note(conn net.Conn, change func(*connection)) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	if member, ok := conn.(*connection); ok {
		member.owner.mu.Lock()
		change(member)
		member.owner.mu.Unlock()
	}
}
