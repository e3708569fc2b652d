package integration_test

import (
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// startSecondWebhook installs another injector, of the kind that clusters have: it adds a container, once. Its name sorts after ours, and
// the API server calls webhooks in the order of their names.
func startSecondWebhook(t *testing.T, e *environment) {
	t.Helper()
	webhook := cluster.Webhook{
		Name: "zz-" + e.namespace + ".example.com", Namespace: "second-system", Service: e.namespace, Path: "/", ProbeNamespace: e.namespace,
	}
	// The probe that waits for the webhook must also reach it.
	webhook.Adjust = func(w *admissionregistrationv1.MutatingWebhook) {
		w.MatchConditions = []admissionregistrationv1.MatchCondition{{
			Name: "once", Expression: "request.namespace == '" + e.namespace + "' && object.spec.containers.all(c, c.name != 'second')",
		}}
	}
	authority, err := cluster.NewAuthority("second")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.ServingCertificate(webhook.ServerName())
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate.Cert, certificate.Key)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(addSecondContainer))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	server.StartTLS()
	t.Cleanup(server.Close)
	webhook.CABundle = authority.PEM()
	webhook.Port = int32(server.Listener.Addr().(*net.TCPAddr).Port)
	if err := plane.InstallWebhook(t.Context(), webhook); err != nil {
		t.Fatal(err)
	}
}

func addSecondContainer(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{
		UID: review.Request.UID, Allowed: true, PatchType: new(admissionv1.PatchTypeJSONPatch),
		Patch: []byte(`[{"op": "add", "path": "/spec/containers/0", "value": {"name": "second", "image": "second"}}]`),
	}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	answer, err := json.Marshal(&review)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer)
}
