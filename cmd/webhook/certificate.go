package main

import (
	"crypto/tls"
	"fmt"
	"path/filepath"
	"time"

	"sigs.k8s.io/controller-runtime/pkg/certwatcher"
)

// newCertWatcher loads the certificate. Once started, the watcher reloads it when the files change.
func newCertWatcher(dir string) (*certwatcher.CertWatcher, error) {
	watcher, err := certwatcher.New(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		return nil, fmt.Errorf("failed to load the certificate from --cert-dir %q: %w", dir, err)
	}
	return watcher, nil
}

// certificateExpiry is when the served certificate expires; long ago if there is none.
func certificateExpiry(watcher *certwatcher.CertWatcher) time.Time {
	certificate, err := watcher.GetCertificate(nil)
	if err != nil || certificate == nil || certificate.Leaf == nil {
		return time.Time{}
	}
	return certificate.Leaf.NotAfter
}

// tlsConfig serves the watcher's certificate. All API servers that know matchConditions speak TLS 1.3, and all call webhooks with HTTP/1.1
// only: https://github.com/kubernetes/kubernetes/issues/75791.
func tlsConfig(watcher *certwatcher.CertWatcher, ca *clientCA) *tls.Config {
	cfg := &tls.Config{
		MinVersion:     tls.VersionTLS13,
		GetCertificate: watcher.GetCertificate,
		NextProtos:     []string{"http/1.1"},
		// A resumed session would skip the check of a changed client CA. API servers keep their connections open anyway.
		SessionTicketsDisabled: true,
	}
	if ca != nil {
		ca.require(cfg)
	}
	return cfg
}
