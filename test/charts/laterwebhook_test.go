package charts_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// TestLaterWebhook: the API server does not come back to a webhook that it has not called before. So what another webhook asks in a
// pod's name gets an answer only if its turn comes before the injector's; else the guard says that it gets none.
func TestLaterWebhook(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=None")
	r.install()
	r.serve()
	r.awaitTrust()
	const pod = `{apiVersion: v1, kind: Pod, metadata: {name: bare}, spec: {containers: [{name: app, image: app}]}}`
	create := attempt{name: "pod", input: pod, arguments: []string{"create", "--namespace", r.target, "-f", "-"}}
	const silence = "asks for PCP, but the injector has not seen the pod"

	removeLater := r.askByWebhook("zz-" + r.namespace + ".example.com")
	r.requireAttempts(create.isDenied("metadata.annotations[pcp.io/inject]: Forbidden: " + silence))
	r.upgrade("webhook.failurePolicy=Ignore")
	r.requireAttempts(create.isWarned("metadata.annotations[pcp.io/inject]: " + silence))
	removeLater()

	r.askByWebhook("aa-" + r.namespace + ".example.com")
	r.requireAttempts(create.isWarned("pcp-injector: NotDesignated"))
}

// askByWebhook installs a webhook that annotates every pod of the target's namespace, by the URL of this process. It returns how to
// remove it.
func (r *release) askByWebhook(name string) (remove func()) {
	r.t.Helper()
	authority, err := cluster.NewAuthority(name)
	if err != nil {
		r.t.Fatal(err)
	}
	certificate, err := authority.ServingCertificate("localhost")
	if err != nil {
		r.t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate.Cert, certificate.Key)
	if err != nil {
		r.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(addAnnotation))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	server.StartTLS()
	r.t.Cleanup(server.Close)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	configuration := cluster.Webhook{Name: name, CABundle: authority.PEM(), Adjust: func(w *admissionregistrationv1.MutatingWebhook) {
		url := fmt.Sprintf("https://localhost:%s/", port)
		w.ClientConfig.Service, w.ClientConfig.URL = nil, &url
		w.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": r.target}}
		w.MatchConditions = nil
	}}.Configuration()
	configurations := plane.Client().AdmissionregistrationV1().MutatingWebhookConfigurations()
	if _, err := configurations.Create(r.t.Context(), configuration, metav1.CreateOptions{}); err != nil {
		r.t.Fatal(err)
	}
	remove = func() { _ = configurations.Delete(context.Background(), name, metav1.DeleteOptions{}) }
	r.t.Cleanup(remove)
	return remove
}

func addAnnotation(w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if !strings.Contains(string(review.Request.Object.Raw), `"pcp.io/inject"`) {
		review.Response.PatchType = new(admissionv1.PatchTypeJSONPatch)
		review.Response.Patch = []byte(`[{"op": "add", "path": "/metadata/annotations", "value": {"pcp.io/inject": "true"}}]`)
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
