package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"
)

// certificates are a CA and a folder that it keeps supplied, as the kubelet does: files are links into ..data, which is a
// link to a folder that is replaced as a whole.
type certificates struct {
	dir      string
	pool     *x509.CertPool
	ca       *x509.Certificate
	caKey    *ecdsa.PrivateKey
	serial   int64
	notAfter time.Time
}

func newCertificates(t *testing.T) *certificates {
	t.Helper()
	c := &certificates{dir: t.TempDir(), pool: x509.NewCertPool(), caKey: newKey(t), serial: 1}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test CA"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &c.caKey.PublicKey, c.caKey)
	if err != nil {
		t.Fatal(err)
	}
	if c.ca, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	c.pool.AddCert(c.ca)
	c.replace(t)
	for _, name := range []string{"tls.crt", "tls.key"} {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(c.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// replace installs a new certificate and removes the previous one.
func (c *certificates) replace(t *testing.T) {
	t.Helper()
	former, _ := os.Readlink(filepath.Join(c.dir, "..data"))
	c.serial++
	c.notAfter = time.Now().Add(time.Duration(c.serial) * time.Hour).Truncate(time.Second)
	folder := "..version-" + strconv.FormatInt(c.serial, 10)
	if err := os.Mkdir(filepath.Join(c.dir, folder), 0o700); err != nil {
		t.Fatal(err)
	}
	c.issue(t, filepath.Join(c.dir, folder))
	link := filepath.Join(c.dir, "..data_tmp")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, filepath.Join(c.dir, "..data")); err != nil {
		t.Fatal(err)
	}
	if former != "" {
		if err := os.RemoveAll(filepath.Join(c.dir, former)); err != nil {
			t.Fatal(err)
		}
	}
}

func (c *certificates) issue(t *testing.T, folder string) {
	t.Helper()
	key := newKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(c.serial), NotBefore: time.Now().Add(-time.Minute), NotAfter: c.notAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, c.ca, &key.PublicKey, c.caKey)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "tls.crt"), string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	writeFile(t, filepath.Join(folder, "tls.key"), string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})))
}
