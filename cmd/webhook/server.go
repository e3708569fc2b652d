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
	"sigs.k8s.io/controller-runtime/pkg/webhook"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// server is the three listeners and what they serve.
type server struct {
	opts     *options
	logger   *slog.Logger
	watcher  *certwatcher.CertWatcher
	metrics  *metrics
	webhook  webhook.Server
	draining atomic.Bool
}

func newServer(opts *options, injector *mutate.Injector, logger *slog.Logger) (*server, error) {
	watcher, err := newCertWatcher(opts.certDir)
	if err != nil {
		return nil, err
	}
	hash := injector.ConfigHash()
	expiry := func() time.Time { return certificateExpiry(watcher) }
	s := &server{opts: opts, logger: logger, watcher: watcher, metrics: newMetrics(hash, expiry)}
	// The mux is our own: webhook.Server.Register would wrap the handler in metrics that nobody reads.
	mux := http.NewServeMux()
	mux.Handle("POST /mutate", s.retire(limitBodyTime(&handler{core: injector, configHash: hash, metrics: s.metrics, logger: logger})))
	s.webhook = webhook.NewServer(webhook.Options{
		Host:       opts.listen.host,
		Port:       opts.listen.port,
		WebhookMux: mux,
		TLSOpts:    []func(*tls.Config){tlsOptions(watcher)},
	})
	logger.Info("starting", "version", currentBuild().version, "config", hash, "certificateExpiry", expiry())
	return s, nil
}

// retire lets API servers leave a server that is about to go: each answer is the last on its connection.
func (s *server) retire(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// run serves until ctx is done, the drain time is over and everything in flight has been answered, or until one listener
// fails.
func (s *server) run(ctx context.Context) error {
	health, err := listen(ctx, "--health-listen", &s.opts.healthListen)
	if err != nil {
		return err
	}
	metrics, err := listen(ctx, "--metrics-listen", &s.opts.metricsListen)
	if err != nil {
		return errors.Join(err, health.Close())
	}
	serving, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, serving := errgroup.WithContext(serving)
	group.Go(func() error { return s.serveWebhook(serving) })
	group.Go(func() error { return s.watcher.Start(serving) })
	group.Go(func() error { return servePlain(serving, health, healthHandler(s.ready)) })
	group.Go(func() error { return servePlain(serving, metrics, s.metrics.handler()) })
	group.Go(func() error {
		defer stop()
		s.drain(ctx, serving)
		return nil
	})
	return group.Wait()
}

func (s *server) serveWebhook(ctx context.Context) error {
	if err := s.webhook.Start(ctx); err != nil {
		return fmt.Errorf("failed to serve on --listen %q: %w", s.opts.listen.String(), err)
	}
	return nil
}

// drain returns when the listeners may close. Between the signal and then, the pod is not ready but still serves: the API
// servers learn of it with a delay, and a refused connection is a pod that cannot be created.
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

// ready dials the TLS listener like an API server does.
func (s *server) ready(r *http.Request) error {
	if s.draining.Load() {
		return errors.New("draining")
	}
	return s.webhook.StartedChecker()(r)
}

func listen(ctx context.Context, flag string, addr *address) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", addr.String())
	if err != nil {
		return nil, fmt.Errorf("failed to serve on %s %q: %w", flag, addr.String(), err)
	}
	return listener, nil
}

// servePlain serves what holds no secrets and is read by probes and scrapers of the cluster.
func servePlain(ctx context.Context, listener net.Listener, handler http.Handler) error {
	srv := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       5 * time.Second,
		WriteTimeout:      30 * time.Second,
		IdleTimeout:       90 * time.Second,
	}
	stop := context.AfterFunc(ctx, func() { _ = srv.Close() })
	defer stop()
	if err := srv.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
