package cluster

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"testing"
)

func TestCertificateRenewal(t *testing.T) {
	t.Parallel()
	authority, err := NewAuthority("test authority")
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "tls")
	for range 3 {
		certificate, err := authority.ServingCertificate("injector.pcp.svc", "127.0.0.1")
		if err != nil {
			t.Fatal(err)
		}
		if err := certificate.Write(folder); err != nil {
			t.Fatal(err)
		}
		pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "tls.crt"), filepath.Join(folder, "tls.key"))
		if err != nil {
			t.Fatal(err)
		}
		requireTrusted(t, authority, pair.Leaf, "injector.pcp.svc")
		requireTrusted(t, authority, pair.Leaf, "127.0.0.1")
	}
	// tls.crt, tls.key, ..data and the one version it points to.
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 4 {
		t.Errorf("the folder holds %v, want 4 entries: old versions are left (error: %v)", entries, err)
	}
}

func requireTrusted(t *testing.T, authority *Authority, certificate *x509.Certificate, name string) {
	t.Helper()
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority.PEM()) {
		t.Fatal("the authority's certificate is not PEM")
	}
	if _, err := certificate.Verify(x509.VerifyOptions{Roots: roots, DNSName: name}); err != nil {
		t.Errorf("not trusted for %s: %v", name, err)
	}
}
