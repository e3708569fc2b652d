package main

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// newCertWatcher loads the certificate; once started, the watcher keeps it as fresh as the files.
func newCertWatcher(dir string) (*certwatcher.CertWatcher, error) {
	watcher, err := certwatcher.New(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("failed to load the certificate from --cert-dir %q: %w", dir, err)
	}
	return watcher, nil
}

// certificateExpiry is when the certificate that is being served expires; long ago where none is.
func certificateExpiry(watcher *certwatcher.CertWatcher) time.Time {
	certificate, err := watcher.GetCertificate(nil)
	if err != nil || certificate == nil || certificate.Leaf == nil {
		return time.Time{}
	}
	return certificate.Leaf.NotAfter
}

// tlsOptions serve the watcher's certificate. All API servers that know matchConditions speak TLS 1.3.
func tlsOptions(watcher *certwatcher.CertWatcher) func(*tls.Config) {
	return func(cfg *tls.Config) {
		cfg.MinVersion = tls.VersionTLS13
		cfg.GetCertificate = watcher.GetCertificate
	}
}
