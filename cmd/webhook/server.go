package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"sigs.k8s.io/controller-runtime/pkg/certwatcher"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const (
	// readHeaderTime includes the TLS handshake.
	readHeaderTime = 5 * time.Second
	// readTime is for a whole request. An ordinary body takes milliseconds, and a large one has its own time.
	readTime  = 10 * time.Second
	writeTime = 20 * time.Second
	// idleTime is longer than API servers keep an idle connection (90 s): closing one that they are about to use would fail an admission.
	idleTime = 2 * time.Minute
	// maxHeader, to which net/http adds 4096 bytes. API servers send less than 1 KiB, or 2 with a bearer token of their kubeconfig.
	maxHeader = 512
	// stopTime is how long requests in flight may take after the listeners are closed. The chart grants 10 s.
	stopTime = 8 * time.Second
)

// server is the three listeners and what they serve. It uses net/http's server, because controller-runtime's webhook.Server cannot limit
// headers, read and write times, connections or its log of errors, nor do without HTTP/2.
type server struct {
	opts     *options
	logger   *slog.Logger
	noise    *slog.Logger
	watcher  *certwatcher.CertWatcher
	clientCA *clientCA
	metrics  *metrics
	webhook  http.Handler
	draining atomic.Bool
}

func newServer(opts *options, injector *mutate.Injector, logger *slog.Logger) (*server, error) {
	watcher, err := newCertWatcher(opts.certDir)
	if err != nil {
		return nil, err
	}
	hash := injector.ConfigHash()
	expiry := func() time.Time { return certificateExpiry(watcher) }
	s := &server{opts: opts, logger: logger, noise: limitRate(logger), watcher: watcher, metrics: newMetrics(hash, expiry)}
	if opts.clientCA != "" {
		if s.clientCA, err = newClientCA(opts.clientCA, logger); err != nil {
			return nil, err
		}
	}
	mux := http.NewServeMux()
	mux.Handle("POST /mutate", &handler{core: injector, configHash: hash, intake: newIntake(), metrics: s.metrics, logger: s.noise})
	s.webhook = s.retire(mux)
	logger.Info("starting", "version", currentBuild().version, "config", hash, "certificateExpiry", expiry())
	return s, nil
}

// retire makes API servers leave a server that is about to stop: each answer is the last on its connection.
func (s *server) retire(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// run serves until ctx is done, the drain time is over and everything in flight is answered, or until one listener fails.
func (s *server) run(ctx context.Context) error {
	webhook, err := s.listen(ctx, "admission", "--listen", &s.opts.listen, maxConnections)
	if err != nil {
		return err
	}
	health, err := s.listen(ctx, "health", "--health-listen", &s.opts.healthListen, maxPlainConnections)
	if err != nil {
		return errors.Join(err, webhook.Close())
	}
	metrics, err := s.listen(ctx, "metrics", "--metrics-listen", &s.opts.metricsListen, maxPlainConnections)
	if err != nil {
		return errors.Join(err, webhook.Close(), health.Close())
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, serving := errgroup.WithContext(serving)
	group.Go(func() error { return s.serve(serving, webhook, s.webhook, tlsConfig(s.watcher, s.clientCA)) })
	group.Go(func() error { return s.watcher.Start(serving) })
	group.Go(func() error { return s.serve(serving, health, healthHandler(s.ready), nil) })
	group.Go(func() error { return s.serve(serving, metrics, s.metrics.handler(), nil) })
	group.Go(func() error {
		defer stop()
		s.drain(ctx, serving)
		return nil
	})
	return group.Wait()
}

// drain returns when the listeners may close. Until then, the pod is not ready but still serves: the API servers learn of it with a delay,
// and a refused connection is a pod that cannot be created.
func (s *server) drain(ctx, serving context.Context) {
	select {
	case <-ctx.Done():
	case <-serving.Done():
		return
	}
	s.draining.Store(true)
	s.logger.Info("draining: not ready, still serving", "seconds", int(s.opts.drain))
	select {
	case <-time.After(s.opts.drainTime()):
	case <-serving.Done():
	}
}

// ready does not dial the webhook: its listener opens before this is served, and the program ends when serving fails. A dial would compete
// with the connections that an attacker opens, and has no client certificate.
func (s *server) ready(*http.Request) error {
	if s.draining.Load() {
		return errors.New("draining")
	}
	return nil
}

func (s *server) listen(ctx context.Context, name, flag string, addr *address, limit int) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("failed to serve on %s %q: %w", flag, addr.String(), err)
	}
	return newConnections(listener, limit, s.metrics.connections.WithLabelValues(name), s.metrics.shed.WithLabelValues(name)), nil
}

// serve serves, with TLS if it is configured, until ctx is done and what is in flight has been answered.
func (s *server) serve(ctx context.Context, listener net.Listener, handler http.Handler, secure *tls.Config) error {
	protocols := new(http.Protocols)
	// HTTP/2 would serve nobody but attackers: its streams, windows and floods of frames would need limits of their own.
	protocols.SetHTTP1(true)
	srv := &http.Server{
		Handler:           handler,
		TLSConfig:         secure,
		Protocols:         protocols,
		ReadHeaderTimeout: readHeaderTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		ConnState:         noteState,
		ConnContext:       withConnection,
		ErrorLog:          slog.NewLogLogger(s.noise.Handler(), slog.LevelWarn),
	}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		s.shutDown(context.WithoutCancel(ctx), srv)
	})
	serve := srv.Serve
	if secure != nil {
		serve = func(listener net.Listener) error { return srv.ServeTLS(listener, "", "") }
	}
	if err := serve(listener); !errors.Is(err, http.ErrServerClosed) {
		stop()
		return fmt.Errorf("failed to serve on %s: %w", listener.Addr(), err)
	}
	<-stopped
	return nil
}

func (s *server) shutDown(ctx context.Context, srv *http.Server) {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	if err := srv.Shutdown(ctx); err != nil {
		s.logger.Warn("some requests were not answered", "error", err)
		_ = srv.Close()
	}
}
