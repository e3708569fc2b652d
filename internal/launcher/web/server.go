//go:build linux

package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

const (
	maxRequests    = 8
	maxConnections = 32
	maxHeader      = 8 << 10

	headerLimit = 5 * time.Second
	pieceLimit  = 30 * time.Second
	idleLimit   = 30 * time.Second
	// retry is how long a port that is taken is left to whoever has it.
	retry = 10 * time.Second
)

// Serve serves on an address until ctx is done. PCP runs on if the port is taken: then nobody can ask the launcher, which says so once.
func (s *Site) Serve(ctx context.Context, address string) error {
	listener, err := s.listen(ctx, address)
	if err != nil || listener == nil {
		return err
	}
	server := &http.Server{
		Handler: s.Handler(), MaxHeaderBytes: maxHeader, ReadHeaderTimeout: headerLimit, ReadTimeout: headerLimit, WriteTimeout: pieceLimit,
		IdleTimeout: idleLimit, ErrorLog: slog.NewLogLogger(s.Logger.Handler(), slog.LevelWarn),
	}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // Whoever reads an archive asks again for the rest.
	defer stop()
	s.Logger.Info("serves", "address", listener.Addr().String())
	if err := server.Serve(limit(listener, maxConnections)); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// listen returns no listener if ctx is done before the port is free.
func (s *Site) listen(ctx context.Context, address string) (net.Listener, error) {
	ticker := time.NewTicker(retry)
	defer ticker.Stop()
	for said := false; ; said = true {
		listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
		switch {
		case err == nil:
			return listener, nil
		case ctx.Err() != nil:
			return nil, nil //nolint:nilnil // there is nothing to serve any more
		case !errors.Is(err, syscall.EADDRINUSE):
			return nil, err //nolint:wrapcheck // it names the address
		case !said:
			s.Logger.Warn("another process has the port, so nobody can read state and archives here; it is tried again", "address", address)
		}
		select {
		case <-ctx.Done():
			return nil, nil //nolint:nilnil // there is nothing to serve any more
		case <-ticker.C:
		}
	}
}

// limited accepts as many connections at a time as it has slots.
type limited struct {
	net.Listener
	slots chan struct{}
}

func limit(listener net.Listener, most int) net.Listener {
	return &limited{listener, make(chan struct{}, most)}
}

// Accept waits for a slot: the kernel keeps the others waiting, and each that is idle is closed after idleLimit.
func (l *limited) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err //nolint:wrapcheck // as a listener does
	}
	l.slots <- struct{}{}
	return &counted{Conn: conn, done: sync.OnceFunc(func() { <-l.slots })}, nil
}

// counted gives its slot back once.
type counted struct {
	net.Conn
	done func()
}

func (c *counted) Close() error {
	c.done()
	return c.Conn.Close() //nolint:wrapcheck // as a connection does
}
