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

// tlsConfig serves the watcher's certificate. All API servers that know matchConditions speak TLS 1.3, and all call webhooks
// with HTTP/1.1 alone: https://github.com/kubernetes/kubernetes/issues/75791.
func tlsConfig(watcher *certwatcher.CertWatcher, ca *clientCA) *tls.Config {
	cfg := &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: watcher.GetCertificate,
		NextProtos:     []string{"http/1.1"},
		// A resumed session would skip what a changed client CA demands. API servers keep their connections.
		SessionTicketsDisabled: true,
	}
	if ca != nil {
		ca.require(cfg)
	}
	return cfg
}
