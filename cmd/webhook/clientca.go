package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// clientCA is the file of the authorities that sign the API servers' client certificates. It is reloaded when it changes.
type clientCA struct {
	path   string
	logger *slog.Logger

	mu   sync.Mutex
	file os.FileInfo
	pool *x509.CertPool
}

func newClientCA(path string, logger *slog.Logger) (*clientCA, error) {
	c := &clientCA{path: path, logger: logger}
	if err := c.refresh(); err != nil {
		return nil, fmt.Errorf("failed to load --client-ca %q: %w", path, err)
	}
	return c, nil
}

// refresh reloads the file if it has changed. It tries each version once, so a broken one is not reported for each connection.
func (c *clientCA) refresh() error {
	found, err := os.Stat(c.path) //nolint:gosec // the path is a flag
	if err != nil {
		return err
	}
	if c.file != nil && os.SameFile(c.file, found) && c.file.ModTime().Equal(found.ModTime()) && c.file.Size() == found.Size() {
		return nil
	}
	c.file = found
	text, err := os.ReadFile(c.path) //nolint:gosec // the path is a flag
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return errors.New("contains no certificate: must be PEM")
	}
	c.pool = pool
	return nil
}

// current keeps the previous authorities if the file has become unusable.
func (c *clientCA) current() *x509.CertPool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.refresh(); err != nil {
		c.logger.Error("client CA could not be reloaded, the previous one stays in use", "file", c.path, "error", err)
	}
	return c.pool
}

// require makes the server refuse clients without a certificate of the authorities, before any request.
func (c *clientCA) require(cfg *tls.Config) {
	cfg.ClientAuth = tls.RequireAndVerifyClientCert
	fixed := cfg.Clone()
	cfg.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		fresh := fixed.Clone()
		fresh.ClientCAs = c.current()
		return fresh, nil
	}
}
