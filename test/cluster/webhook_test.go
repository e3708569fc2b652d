package cluster

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// serveDenial serves a webhook that denies everything, with a certificate for the name.
func serveDenial(t *testing.T, certificate Certificate) (port int32) {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var review admissionv1.AdmissionReview
		if err := json.NewDecoder(r.Body).Decode(&review); err != nil {
			t.Error(err)
			return
		}
		review.Response = &admissionv1.AdmissionResponse{
			UID: review.Request.UID, Result: &metav1.Status{Message: "not today, " + review.Request.UserInfo.Username},
			AuditAnnotations: map[string]string{"reason": "Denied"},
		}
		if err := json.NewEncoder(w).Encode(review); err != nil {
			t.Error(err)
		}
	}))
	pair, err := tls.X509KeyPair(certificate.Cert, certificate.Key)
	if err != nil {
		t.Fatal(err)
	}
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	server.StartTLS()
	t.Cleanup(server.Close)
	return int32(server.Listener.Addr().(*net.TCPAddr).Port)
}

func TestInstallWebhook(t *testing.T) {
	t.Parallel()
	c := startForTest(t, Options{})
	authority, err := NewAuthority("webhook authority")
	if err != nil {
		t.Fatal(err)
	}
	webhook := Webhook{Name: "denial.webhook.test", Namespace: "injector", Service: "denial", Path: "/deny", CABundle: authority.PEM()}
	certificate, err := authority.ServingCertificate(webhook.ServerName())
	if err != nil {
		t.Fatal(err)
	}
	webhook.Port = serveDenial(t, certificate)
	if err := c.InstallWebhook(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}
	if err := c.CreateInjectionNamespace(t.Context(), "team"); err != nil {
		t.Fatal(err)
	}
	pods := c.Client().CoreV1().Pods("team")
	if _, err := pods.Create(t.Context(), pod("bystander"), metav1.CreateOptions{}); err != nil {
		t.Errorf("a Pod that does not ask for injection is denied: %v", err)
	}
	asking := pod("asking")
	asking.Annotations = map[string]string{"pcp.io/inject": "true"}
	if _, err := pods.Create(t.Context(), asking, metav1.CreateOptions{}); err == nil || !strings.Contains(err.Error(), "not today, administrator") {
		t.Errorf("got %v, want the webhook's denial", err)
	}
	events, err := c.AuditEvents(func(event AuditEvent) bool {
		return event.ObjectRef.Namespace == "team" && event.Annotations["denial.webhook.test/reason"] == "Denied"
	})
	if err != nil || len(events) != 1 {
		t.Errorf("got %d audit events with the webhook's annotation, want 1 (error: %v)", len(events), err)
	}
}
