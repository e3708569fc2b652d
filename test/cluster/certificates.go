package cluster

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"time"
)

// Authority signs certificates.
type Authority struct {
	key         *ecdsa.PrivateKey
	certificate *x509.Certificate
}

// Certificate is a signed certificate and its private key, both PEM.
type Certificate struct {
	Cert, Key []byte
}

// lifetime covers the longest test run, and clocks that are slow.
const (
	lifetime  = 24 * time.Hour
	clockSkew = time.Hour
)

// NewAuthority makes an authority with a certificate signed by itself.
func NewAuthority(name string) (*Authority, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: name}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
	}
	authority := &Authority{}
	raw, key, err := authority.sign(template)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(raw)
	if err != nil {
		return nil, fmt.Errorf("failed to make the authority %q: %w", name, err)
	}
	return &Authority{key: key, certificate: certificate}, nil
}

// PEM is the authority's certificate: the caBundle of a webhook.
func (a *Authority) PEM() []byte { return encode("CERTIFICATE", a.certificate.Raw) }

// ServingCertificate is a certificate for a server with the given DNS names and IP addresses.
func (a *Authority) ServingCertificate(hosts ...string) (Certificate, error) {
	return a.ServingCertificateUntil(time.Now().Add(lifetime), hosts...)
}

// ServingCertificateUntil is valid until the given time, which may be in the past by less than the clock skew.
func (a *Authority) ServingCertificateUntil(end time.Time, hosts ...string) (Certificate, error) {
	template := &x509.Certificate{
		Subject: pkix.Name{CommonName: hosts[0]}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		KeyUsage: x509.KeyUsageDigitalSignature, NotAfter: end,
	}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, host)
	}
	return a.issue(template)
}

// ClientCertificate identifies the user in the groups to the API server.
func (a *Authority) ClientCertificate(user string, groups ...string) (Certificate, error) {
	return a.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: user, Organization: groups},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature,
	})
}

func (a *Authority) issue(template *x509.Certificate) (Certificate, error) {
	raw, key, err := a.sign(template)
	if err != nil {
		return Certificate{}, err
	}
	encoded, err := encodeKey(key)
	return Certificate{Cert: encode("CERTIFICATE", raw), Key: encoded}, err
}

// sign makes a key and a certificate for it, signed by the authority or, while the authority has no certificate, by the key itself.
func (a *Authority) sign(template *x509.Certificate) ([]byte, *ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to make a private key for %q: %w", template.Subject.CommonName, err)
	}
	if template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, nil, fmt.Errorf("failed to make a serial number for %q: %w", template.Subject.CommonName, err)
	}
	template.NotBefore = time.Now().Add(-clockSkew)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(lifetime)
	}
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer = template, key
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		return nil, nil, fmt.Errorf("failed to sign the certificate of %q: %w", template.Subject.CommonName, err)
	}
	return raw, key, nil
}

func encodeKey(key *ecdsa.PrivateKey) ([]byte, error) {
	raw, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("failed to encode a private key: %w", err)
	}
	return encode("EC PRIVATE KEY", raw), nil
}

func encode(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}
