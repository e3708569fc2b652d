package injector

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Metric is the value of one series of the webhook's own metrics, named as in the exposition format, e.g.
// pcp_injector_admissions_total{reason="Injected",result="injected"}. A missing series is an error.
func (i *Injector) Metric(ctx context.Context, series string) (float64, error) {
	text, err := get(ctx, "http://"+i.metrics+"/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(text) {
		if value, found := strings.CutPrefix(line, series+" "); found {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, fmt.Errorf("the webhook has no metric %s", series)
}

// MetricsAddress is where the webhook serves /metrics.
func (i *Injector) MetricsAddress() string { return i.metrics }

// Admissions is how many pods the webhook has decided about, or failed to decide about.
func (i *Injector) Admissions(ctx context.Context) (int, error) {
	text, err := get(ctx, "http://"+i.metrics+"/metrics")
	if err != nil {
		return 0, err
	}
	total := 0
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "pcp_injector_admissions_total{") {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[strings.LastIndexByte(line, ' '):]), 64)
		if err != nil {
			return 0, err
		}
		total += int(value)
	}
	return total, nil
}

// ServedCertificate is the certificate that a new TLS connection to the webhook gets.
func (i *Injector) ServedCertificate(ctx context.Context) (*x509.Certificate, error) {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(i.webhook.CABundle)
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: i.webhook.ServerName(), MinVersion: tls.VersionTLS13}}
	connection, err := dialer.DialContext(ctx, "tcp", i.Address())
	if err != nil {
		return nil, err
	}
	defer connection.Close()
	secure, ok := connection.(*tls.Conn)
	if !ok {
		return nil, fmt.Errorf("%T is no TLS connection", connection)
	}
	return secure.ConnectionState().PeerCertificates[0], nil
}

func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %s", url, response.Status, strings.TrimSpace(string(body)))
	}
	return string(body), err
}
