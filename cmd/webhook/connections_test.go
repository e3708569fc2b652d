package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// crowded is a listener with room for a few connections.
type crowded struct {
	listener *connections
	accepted chan net.Conn
}

func newCrowded(t *testing.T, room int) *crowded {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &crowded{
		listener: newConnections(listener, room, prometheus.NewGauge(prometheus.GaugeOpts{}), prometheus.NewCounter(prometheus.CounterOpts{})),
		accepted: make(chan net.Conn),
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := b.listener.Accept()
			if err != nil {
				return
			}
			b.accepted <- connection
		}
	}()
	return b
}

// dial connects from its own loopback address and waits until the connection is accepted.
func (b *crowded) dial(t *testing.T, source byte) (client, server net.Conn) {
	t.Helper()
	client = b.connect(t, source)
	select {
	case server = <-b.accepted:
	case <-time.After(patience):
		t.Fatal("the connection is not accepted")
	}
	return client, server
}

func (b *crowded) connect(t *testing.T, source byte) net.Conn {
	t.Helper()
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, source)}}
	client, err := dialer.DialContext(t.Context(), "tcp", b.listener.Addr().String())
	if err != nil {
		t.Skipf("no loopback address of a number: %v", err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func isClosed(t *testing.T, client net.Conn) bool {
	t.Helper()
	if err := client.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	_, err := client.Read(make([]byte, 1))
	return errors.Is(err, io.EOF)
}

// TestGreediestLoses: the source with the most connections loses the one that showed no sign of life for longest, busy or not.
func TestGreediestLoses(t *testing.T) {
	t.Parallel()
	b := newCrowded(t, 3)
	first, server := b.dial(t, 7)
	second, secondServer := b.dial(t, 7)
	other, _ := b.dial(t, 8)
	noteState(secondServer, http.StateActive)
	noteState(server, http.StateActive)
	newcomer, _ := b.dial(t, 9)
	if !isClosed(t, second) {
		t.Error("the connection of the greediest source that is silent for longest is open")
	}
	for name, client := range map[string]net.Conn{"first": first, "other": other, "new": newcomer} {
		if isClosed(t, client) {
			t.Errorf("the %s connection is closed", name)
		}
	}
	if open, shed := testutil.ToFloat64(b.listener.open), testutil.ToFloat64(b.listener.shed); open != 3 || shed != 1 {
		t.Errorf("metrics say %v open and %v shed, want 3 and 1", open, shed)
	}
}

// TestUsefulStays: strangers from many addresses take places from each other, not from clients for whom pods were decided.
func TestUsefulStays(t *testing.T) {
	t.Parallel()
	b := newCrowded(t, 2*usefulShare)
	useful := []net.Conn{b.dialUseful(t, 7), b.dialUseful(t, 7)}
	for source := range byte(2*usefulShare - 3) {
		b.dial(t, 100+source)
	}
	stranger, _ := b.dial(t, 99)
	for source := range byte(2 * usefulShare) {
		b.dial(t, 8+source)
	}
	if !isClosed(t, stranger) {
		t.Error("the strangers have not taken the places of those before")
	}
	for _, client := range useful {
		if isClosed(t, client) {
			t.Error("a connection on which pods were decided is closed")
		}
	}
}

// TestUsefulShare: a source with more than its share of the places loses one of its own, not the first connection of another source.
func TestUsefulShare(t *testing.T) {
	t.Parallel()
	b := newCrowded(t, 2*usefulShare)
	oldest := b.dialUseful(t, 7)
	for range 2*usefulShare - 2 {
		b.dialUseful(t, 7)
	}
	newcomer, _ := b.dial(t, 8)
	b.dialUseful(t, 7)
	if isClosed(t, newcomer) {
		t.Error("the only connection of a source is closed for one of a source that has nearly all places")
	}
	if !isClosed(t, oldest) {
		t.Error("the source that has nearly all places has not lost its oldest one")
	}
}

func (b *crowded) dialUseful(t *testing.T, source byte) net.Conn {
	t.Helper()
	client, server := b.dial(t, source)
	noteUse(withConnection(t.Context(), server))
	return client
}

// TestGreedyNewcomer: it takes the place of one of its own connections that waits. If none does, it is refused.
func TestGreedyNewcomer(t *testing.T) {
	t.Parallel()
	b := newCrowded(t, 3)
	other, _ := b.dial(t, 8)
	first, _ := b.dial(t, 7)
	second, secondServer := b.dial(t, 7)
	noteState(secondServer, http.StateActive)
	third, thirdServer := b.dial(t, 7)
	if !isClosed(t, first) || isClosed(t, second) || isClosed(t, other) {
		t.Error("another connection is closed than the one that waits")
	}
	noteState(thirdServer, http.StateActive)
	if !isClosed(t, b.connect(t, 7)) {
		t.Error("a connection is let in although its source has the most, and none of them waits")
	}
	if isClosed(t, third) {
		t.Error("a busy connection is closed")
	}
	_ = thirdServer.Close()
	_ = thirdServer.Close()
	if open := testutil.ToFloat64(b.listener.open); open != 2 {
		t.Errorf("metrics say %v open, want 2", open)
	}
	b.dial(t, 7)
}

// TestSources: one host may have a whole /64 of IPv6.
func TestSources(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"192.0.2.1": "192.0.2.1/32", "::ffff:192.0.2.1": "192.0.2.1/32", "2001:db8:1:2:3::4": "2001:db8:1:2::/64",
	} {
		if got := sourceOf(&addressed{remote: &net.TCPAddr{IP: net.ParseIP(address)}}).String(); got != want {
			t.Errorf("source of %s is %s, want %s", address, got, want)
		}
	}
}

type addressed struct {
	net.Conn
	remote net.Addr
}

func (a *addressed) RemoteAddr() net.Addr { return a.remote }
