package pmproxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	corev1 "k8s.io/api/core/v1"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/streaming/pkg/httpstream"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// tunnel is a port-forward to a pod. Unlike client-go's PortForwarder, it opens no port on this machine, which other users of the machine
// could use with this user's rights, and it returns what the kubelet says when it reaches nobody.
type tunnel struct {
	connection httpstream.Connection
	requests   atomic.Int32
}

// open opens the way to the pod, through the API server and the kubelet.
func open(ctx context.Context, config *rest.Config, namespace, pod string) (*tunnel, error) {
	dialer, err := dialerFor(config, namespace, pod)
	if err != nil {
		return nil, fmt.Errorf("failed to prepare a port-forward: %w", err)
	}
	type result struct {
		connection httpstream.Connection
		err        error
	}
	dialed := make(chan result, 1)
	go func() {
		connection, _, err := dialer.Dial(portforward.PortForwardProtocolV1Name)
		dialed <- result{connection, err}
	}()
	select {
	case r := <-dialed:
		if r.err != nil {
			return nil, r.err
		}
		return &tunnel{connection: r.connection}, nil
	case <-ctx.Done():
		// The dialer takes no context, so close what it may still return.
		go func() {
			if r := <-dialed; r.err == nil {
				_ = r.connection.Close()
			}
		}()
		return nil, fmt.Errorf("no port-forward was made: %w", context.Cause(ctx))
	}
}

// dialerFor prefers WebSockets, as kubectl does, and falls back to SPDY for old API servers and for proxies.
func dialerFor(config *rest.Config, namespace, pod string) (httpstream.Dialer, error) {
	client, err := typedcorev1.NewForConfig(config)
	if err != nil {
		return nil, err //nolint:wrapcheck // open says what it is for
	}
	target := client.RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).SubResource("portforward").URL()
	transport, upgrader, err := spdy.RoundTripperFor(config)
	if err != nil {
		return nil, err //nolint:wrapcheck // open says what it is for
	}
	sockets, err := portforward.NewSPDYOverWebsocketDialerForStreaming(target, config)
	if err != nil {
		return nil, err //nolint:wrapcheck // open says what it is for
	}
	streams := spdy.NewDialerForStreaming(upgrader, &http.Client{Transport: transport}, http.MethodPost, target)
	return portforward.NewFallbackDialerForStreaming(sockets, streams, func(err error) bool {
		return httpstream.IsUpgradeFailure(err) || httpstream.IsHTTPSProxyError(err)
	}), nil
}

func (t *tunnel) close() { _ = t.connection.Close() }

// dial connects to pmproxy in the pod with two streams: one for data, and one on which the kubelet says why there are none.
func (t *tunnel) dial(context.Context, string, string) (net.Conn, error) {
	headers := http.Header{}
	headers.Set(corev1.PortHeader, strconv.Itoa(mutate.PortPMProxy))
	headers.Set(corev1.PortForwardRequestIDHeader, strconv.Itoa(int(t.requests.Add(1))))
	headers.Set(corev1.StreamType, corev1.StreamTypeError)
	errs, err := t.connection.CreateStream(headers)
	if err != nil {
		return nil, fmt.Errorf("failed to forward a port: %w", err)
	}
	_ = errs.Close() // Nothing is written to it.
	headers.Set(corev1.StreamType, corev1.StreamTypeData)
	data, err := t.connection.CreateStream(headers)
	if err != nil {
		return nil, fmt.Errorf("failed to forward a port: %w", err)
	}
	c := &conn{Stream: data, refusal: make(chan string, 1)}
	go func() {
		said, _ := io.ReadAll(io.LimitReader(errs, maxMessage))
		c.refusal <- string(said)
	}()
	return c, nil
}

// maxMessage is how much of an error is read, in bytes.
const maxMessage = 4 << 10

// conn is a stream as a connection. It has no deadlines, because those of the request end it.
type conn struct {
	httpstream.Stream

	refusal chan string
}

// Read replaces an end without data by the kubelet's reason.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.Stream.Read(p)
	if n == 0 && errors.Is(err, io.EOF) {
		if said := <-c.refusal; said != "" {
			err = errors.New(reason(said))
		}
		c.refusal <- ""
	}
	return n, err
}

// reason omits what the kubelet's message says about itself: "error forwarding port 44322 to pod 0123…, uid : failed to execute portforward
// in network namespace …: failed to connect to localhost:44322 inside namespace …: dial tcp …: connection refused".
func reason(said string) string {
	said = strings.TrimSpace(said)
	if at := strings.LastIndex(said, "failed to connect to "); at >= 0 {
		said = said[at:]
	}
	if strings.Contains(said, "connection refused") {
		return "nobody listens on port " + strconv.Itoa(mutate.PortPMProxy) + " in the pod"
	}
	return said
}

// Close ends both directions. The stream's own Close ends only one.
func (c *conn) Close() error { return c.Reset() } //nolint:wrapcheck // it is the stream's

func (c *conn) LocalAddr() net.Addr              { return address{} }
func (c *conn) RemoteAddr() net.Addr             { return address{} }
func (c *conn) SetDeadline(time.Time) error      { return nil }
func (c *conn) SetReadDeadline(time.Time) error  { return nil }
func (c *conn) SetWriteDeadline(time.Time) error { return nil }

type address struct{}

func (address) Network() string { return "portforward" }
func (address) String() string  { return "localhost:" + strconv.Itoa(mutate.PortPMProxy) }
