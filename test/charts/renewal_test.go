package charts_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestRenewal: while cert-manager renews the certificate, pods are admitted all the time, and each new connection finds a
// certificate that the caBundle vouches for.
func TestRenewal(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "guard.warnings.scope=Target")
	r.install()
	r.serve()
	r.awaitTrust()
	ctx, stop := context.WithCancel(t.Context())
	admissions := r.startAdmissions(ctx)
	before := r.certificate().Data["tls.crt"]
	r.renew(r.mounted().SecretName)
	r.eventually("another certificate", func(context.Context) error {
		if bytes.Equal(r.certificate().Data["tls.crt"], before) {
			return errors.New("it is still the same")
		}
		return nil
	})
	// As the kubelet does, only sooner.
	files, err := filesIn(t.Context(), r.namespace, r.mounted())
	if err == nil {
		err = r.webhook.SetCertificate(files)
	}
	if err != nil {
		t.Fatal(err)
	}
	r.eventually("the renewed certificate to be served", func(ctx context.Context) error { return r.serves(ctx, r.webhook.Address(), files["tls.crt"]) })
	stop()
	result := <-admissions
	if result.err != nil {
		t.Errorf("admission %d failed: %v", result.count, result.err)
	}
	if result.count < 10 {
		t.Errorf("got %d admissions only while the certificate was renewed", result.count)
	}
}

// renew asks cert-manager for a new certificate, as cmctl renew does.
func (r *release) renew(name string) {
	r.t.Helper()
	issuing := fmt.Sprintf(`[{"op": "add", "path": "/status/conditions/-", "value": {"type": "Issuing", "status": "True", "reason": "ManuallyTriggered",
		"message": "renewed by a test", "lastTransitionTime": %q}}]`, metav1.Now().UTC().Format("2006-01-02T15:04:05Z"))
	mustKubectl(r.t, "", "patch", "certificate", name, "--namespace", r.namespace, "--subresource", "status", "--type", "json", "--patch", issuing)
}

// stream is how many admissions there were, up to the first that failed.
type stream struct {
	count int
	err   error
}

// startAdmissions has pods admitted, one after the other, until the context is done.
func (r *release) startAdmissions(ctx context.Context) <-chan stream {
	done := make(chan stream, 1)
	pod := r.streamed()
	go func() {
		var s stream
		for ; ctx.Err() == nil && s.err == nil; s.count++ {
			s.err = r.admit(ctx, pod)
		}
		if ctx.Err() != nil {
			s.err = nil
		}
		done <- s
	}()
	return done
}

// admit has the pod admitted, and connects as the API server would if it had no connection yet.
func (r *release) admit(ctx context.Context, pod *corev1.Pod) error {
	admitted, err := plane.Client().CoreV1().Pods(r.target).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return err
	}
	if admitted.Annotations["pcp.io/status"] == "" {
		return errors.New("the webhook was not called")
	}
	return r.serves(ctx, r.webhook.Address(), nil)
}

// serves fails if the caBundle does not vouch for the certificate served at the address, or it is not the wanted one.
func (r *release) serves(ctx context.Context, address string, wanted []byte) error {
	called, err := r.called(ctx)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(called.CABundle)
	name := called.Service.Name + "." + called.Service.Namespace + ".svc"
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: roots, ServerName: name, MinVersion: tls.VersionTLS13}}
	connection, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer connection.Close()
	served := connection.(*tls.Conn).ConnectionState().PeerCertificates[0]
	if wanted == nil {
		return nil
	}
	pair, err := x509.ParseCertificate(decode(wanted))
	if err != nil {
		return err
	}
	if !served.Equal(pair) {
		return fmt.Errorf("the certificate with the serial number %s is served, want %s", served.SerialNumber, pair.SerialNumber)
	}
	return nil
}

// decode is the first certificate of a chain.
func decode(chain []byte) []byte {
	block, _ := pem.Decode(chain)
	return block.Bytes
}
