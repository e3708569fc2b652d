package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// egressSelector makes the API server connect to Services through a proxy, as Konnectivity does.
const egressSelector = `apiVersion: apiserver.k8s.io/v1beta1
kind: EgressSelectorConfiguration
egressSelections:
- name: cluster
  connection: {proxyProtocol: HTTPConnect, transport: {uds: {udsName: %s}}}
`

// Egress is how an API server connects to Services and webhooks on a machine without kube-proxy, which needs root.
type Egress struct {
	folder string
	server http.Server
	dial   func(ctx context.Context, address string) (net.Conn, error)
}

// NewEgress starts a proxy that calls dial for each of the API server's connections. The address is a host and a port. For a Service, the
// host is its cluster IP or its external name.
func NewEgress(ctx context.Context, dial func(ctx context.Context, address string) (net.Conn, error)) (*Egress, error) {
	folder, err := os.MkdirTemp("", "pcp-egress-")
	if err != nil {
		return nil, err
	}
	e := &Egress{folder: folder, dial: dial}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "unix", e.file("socket"))
	if err == nil {
		err = os.WriteFile(e.file("egress.yaml"), fmt.Appendf(nil, egressSelector, e.file("socket")), 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("failed to start the API server's proxy: %w", err), os.RemoveAll(folder))
	}
	e.server = http.Server{Handler: http.HandlerFunc(e.connect), ReadHeaderTimeout: time.Minute}
	go func() { _ = e.server.Serve(listener) }()
	return e, nil
}

func (e *Egress) file(name string) string { return filepath.Join(e.folder, name) }

// Flags are the API server's flags for the proxy.
func (e *Egress) Flags() []string {
	return []string{"--egress-selector-config-file=" + e.file("egress.yaml")}
}

// Close stops the proxy, but not the connections through it.
func (e *Egress) Close() error { return errors.Join(e.server.Close(), os.RemoveAll(e.folder)) }

// connect answers the API server's CONNECT.
func (e *Egress) connect(w http.ResponseWriter, r *http.Request) {
	backend, err := e.dial(r.Context(), r.Host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	defer backend.Close()
	caller, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer caller.Close()
	if _, err := io.WriteString(caller, "HTTP/1.1 200 OK\r\n\r\n"); err != nil {
		return
	}
	go func() {
		_, _ = io.Copy(backend, caller)
		_ = backend.Close()
	}()
	_, _ = io.Copy(caller, backend)
}
