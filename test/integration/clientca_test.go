package integration_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/injector"
)

// form is a form of a user in the API server's kubeconfig for webhooks, with a Service whose webhook it fits or not.
type form struct {
	user, service, namespace string
	port                     int32
	belongs                  bool
}

func (f form) host() string { return f.service + "." + f.namespace + ".svc" }

var forms = []form{
	{user: "exact.pcp-system.svc", service: "exact", namespace: "pcp-system", port: 443, belongs: true},
	{user: "port.pcp-system.svc:443", service: "port", namespace: "pcp-system", port: 443, belongs: true},
	{user: "other-port.pcp-system.svc:8443", service: "other-port", namespace: "pcp-system", port: 8443, belongs: true},
	{user: "*.any-service.svc", service: "any", namespace: "any-service", port: 443, belongs: true},
	{user: "*.any-service-port.svc:8443", service: "any", namespace: "any-service-port", port: 8443, belongs: true},
	{user: "missing-port.pcp-system.svc", service: "missing-port", namespace: "pcp-system", port: 8443},
	{user: "missing-svc.pcp-system", service: "missing-svc", namespace: "pcp-system", port: 443},
	{user: "domain.pcp-system.svc.cluster.local", service: "domain", namespace: "pcp-system", port: 443},
}

// TestClientCertificate: an API server that is configured with a client certificate for webhooks, as docs/security.md describes, shows it
// to webhooks whose Service fits the user's name, and gets an answer. Without a certificate, neither the API server nor a pod of the
// cluster gets one.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	clients, err := cluster.NewAuthority("webhook clients")
	if err != nil {
		t.Fatal(err)
	}
	var address string
	egress, err := cluster.NewEgress(t.Context(), func(ctx context.Context, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", address)
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := egress.Close(); err != nil {
			t.Error(err)
		}
	}()
	webhook, authority := serveForms(t, clients)
	address = webhook.Address()
	own, err := cluster.Start(t.Context(), cluster.Options{
		APIServerFlags: append(egress.Flags(), "--admission-control-config-file="+writeAdmission(t, clients)),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	}()
	for _, f := range forms {
		f.require(t, own, authority.PEM())
	}
	if status, err := askWithoutCertificate(address); err == nil {
		t.Errorf("a client without a certificate is answered: %d", status)
	}
}

// serveForms starts the webhook, which serves for all Services.
func serveForms(t *testing.T, clients *cluster.Authority) (*injector.Injector, *cluster.Authority) {
	t.Helper()
	authority, err := cluster.NewAuthority("webhooks")
	if err != nil {
		t.Fatal(err)
	}
	hosts := make([]string, len(forms))
	for n, f := range forms {
		hosts[n] = f.host()
	}
	certificate, err := authority.ServingCertificate(hosts...)
	if err != nil {
		t.Fatal(err)
	}
	webhook, err := injector.Serve(t.Context(), injector.Options{
		Command: command, Name: "client-certificate", Config: "target: {namespace: monitoring}\n",
		Flags: []string{"--client-ca", writeFile(t, "ca.crt", clients.PEM())},
	}, map[string][]byte{"tls.crt": certificate.Cert, "tls.key": certificate.Key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log of the webhook:\n%s", webhook.Log())
		}
		if err := webhook.Stop(); err != nil {
			t.Error(err)
		}
	})
	return webhook, authority
}

// writeAdmission writes the API server's files, and returns the path of the file for its flag.
func writeAdmission(t *testing.T, clients *cluster.Authority) string {
	t.Helper()
	certificate, err := clients.ClientCertificate("kube-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	var kubeconfig strings.Builder
	kubeconfig.WriteString("apiVersion: v1\nkind: Config\nusers:\n")
	for _, f := range forms {
		fmt.Fprintf(&kubeconfig, "  - name: %q\n    user: {client-certificate: %s, client-key: %s}\n",
			f.user, writeFile(t, "tls.crt", certificate.Cert), writeFile(t, "tls.key", certificate.Key))
	}
	return writeFile(t, "admission.yaml", fmt.Appendf(nil, `apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: MutatingAdmissionWebhook
    configuration:
      apiVersion: apiserver.config.k8s.io/v1
      kind: WebhookAdmissionConfiguration
      kubeConfigFile: %s
`, writeFile(t, "kubeconfig.yaml", []byte(kubeconfig.String()))))
}

// writeFile returns the path of a new file.
func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// require fails if the API server shows the certificate to the webhook of the form's Service when it should not, or the other way round.
func (f form) require(t *testing.T, own *cluster.Cluster, authority []byte) {
	t.Helper()
	name := strings.NewReplacer("*", "any", ":", "-").Replace(f.user) + ".example.com"
	namespace := strings.ReplaceAll(name, ".", "-")
	if err := own.CreateNamespace(t.Context(), namespace, map[string]string{"pcp.io/injection": "enabled"}); err != nil {
		t.Fatal(err)
	}
	f.install(t, own, cluster.Webhook{
		Name: name, Namespace: f.namespace, Service: f.service, Port: f.port, Path: "/mutate", CABundle: authority,
		Adjust: func(w *admissionregistrationv1.MutatingWebhook) {
			w.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": namespace}}
		},
	})
	pod := plainPod()
	pod.Annotations = map[string]string{"pcp.io/inject": "true"}
	err := own.Eventually(t.Context(), "the webhook's answer", func(ctx context.Context) error {
		created, err := own.Client().CoreV1().Pods(namespace).Create(ctx, pod, dryRun)
		switch {
		case !f.belongs && err != nil && strings.Contains(err.Error(), "failed calling webhook") && strings.Contains(err.Error(), "certificate required"):
			return nil
		case !f.belongs || err != nil:
			return fmt.Errorf("the error is %w", err)
		case created.Annotations["pcp.io/status"] == "":
			return errors.New("the pod has no status")
		}
		return nil
	})
	if err != nil {
		t.Errorf("the user %s, Service %s, port %d: %v", f.user, f.host(), f.port, err)
	}
}

// install makes the API server call the webhook, sooner or later.
func (f form) install(t *testing.T, own *cluster.Cluster, webhook cluster.Webhook) {
	t.Helper()
	if err := own.CreateNamespace(t.Context(), f.namespace, nil); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	service := &corev1.Service{ObjectMeta: metav1.ObjectMeta{Name: f.service}, Spec: corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: f.port}}}}
	if _, err := own.Client().CoreV1().Services(f.namespace).Create(t.Context(), service, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	configurations := own.Client().AdmissionregistrationV1().MutatingWebhookConfigurations()
	if _, err := configurations.Create(t.Context(), webhook.Configuration(), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

// askWithoutCertificate does what a pod of the cluster could do.
func askWithoutCertificate(address string) (int, error) {
	client := &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13}},
	}
	response, err := client.Post("https://"+address+"/mutate", "application/json", bytes.NewReader([]byte("{}")))
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	return response.StatusCode, nil
}
