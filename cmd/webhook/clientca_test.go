package main

import (
	"bytes"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func (c *certificates) pem() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.ca.Raw}))
}

// clientCertificate is signed by the authority, for an API server or for another use.
func (c *certificates) clientCertificate(t *testing.T, usage x509.ExtKeyUsage) tls.Certificate {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(99), NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour), ExtKeyUsage: []x509.ExtKeyUsage{usage},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca, &key.PublicKey, c.caKey)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func (i *instance) clientWith(certificates ...tls.Certificate) *http.Client {
	client := i.newClient()
	transport, _ := client.Transport.(*http.Transport)
	// Unlike Certificates, it offers a certificate that the server's authorities have not signed.
	transport.TLSClientConfig.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
		if len(certificates) == 0 {
			return &tls.Certificate{}, nil
		}
		return &certificates[0], nil
	}
	return client
}

func (i *instance) letsIn(t *testing.T, certificates ...tls.Certificate) bool {
	t.Helper()
	client := i.clientWith(certificates...)
	defer client.CloseIdleConnections()
	response, _, err := i.admit(client, bytes.NewReader(reviewOf(t, "5KB")))
	return err == nil && response.StatusCode == http.StatusOK
}

// TestClientCA: only clients with a certificate of the CA are answered. The CA is reloaded when it changes, and kept when it cannot be
// read. Probes need none.
func TestClientCA(t *testing.T) {
	t.Parallel()
	former, next := newCertificates(t), newCertificates(t)
	path := filepath.Join(t.TempDir(), "ca.crt")
	writeFile(t, path, former.pem())
	i := start(t, "0", "--client-ca", path)
	apiServer, other := former.clientCertificate(t, x509.ExtKeyUsageClientAuth), next.clientCertificate(t, x509.ExtKeyUsageClientAuth)
	if !i.letsIn(t, apiServer) {
		t.Errorf("a client certificate of the CA is refused; log: %s", i.stderr.String())
	}
	for name, certificates := range map[string][]tls.Certificate{
		"no certificate": nil, "one of another CA": {other}, "one for servers": {former.clientCertificate(t, x509.ExtKeyUsageServerAuth)},
	} {
		if i.letsIn(t, certificates...) {
			t.Errorf("%s is accepted", name)
		}
	}
	replace := func(content string) {
		writeFile(t, path+".new", content)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	replace(former.pem() + next.pem())
	if !i.letsIn(t, apiServer) || !i.letsIn(t, other) {
		t.Error("two CAs in the file are not both accepted")
	}
	replace("nothing")
	if !i.letsIn(t, other) {
		t.Error("the former CAs are not kept where the file has become unusable")
	}
	replace(next.pem())
	if i.letsIn(t, apiServer) || !i.letsIn(t, other) {
		t.Error("the CA is not replaced")
	}
	if status := get(t, i.health+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz is %d", status)
	}
	if count := strings.Count(i.stderr.String(), "client CA could not be reloaded, the previous one stays in use"); count != 1 {
		t.Errorf("an unusable CA is logged %d times, want once", count)
	}
}
