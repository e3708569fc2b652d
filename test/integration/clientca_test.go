package integration_test

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// TestClientCertificate: an API server that is configured with a client certificate for webhooks gets its pods injected, as
// docs/security.md describes it; a pod of the cluster, which has none, gets no answer.
func TestClientCertificate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	authority, err := cluster.NewAuthority("webhook clients")
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := authority.ClientCertificate("kube-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	if err := certificate.Write(folder); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	clientCA := write("ca.crt", string(authority.PEM()))
	kubeconfig := write("kubeconfig.yaml", fmt.Sprintf(`apiVersion: v1
kind: Config
users:
  # The name of the Service does with port 443; this one's is the process's own, which is not known yet.
  - name: "*"
    user: {client-certificate: %[1]s/tls.crt, client-key: %[1]s/tls.key}
`, folder))
	admission := write("admission.yaml", fmt.Sprintf(`apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
  - name: MutatingAdmissionWebhook
    configuration:
      apiVersion: apiserver.config.k8s.io/v1
      kind: WebhookAdmissionConfiguration
      kubeConfigFile: %s
`, kubeconfig))
	own, err := cluster.Start(t.Context(), cluster.Options{APIServerFlags: []string{"--admission-control-config-file=" + admission}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := own.Stop(); err != nil {
			t.Error(err)
		}
	})
	e := startWith(t, own, []string{"--client-ca", clientCA}, "")
	pod, err := e.create(e.controller, designatedPod())
	if err != nil || containers(pod, "pcp") != 1 {
		t.Errorf("the API server's pod is not injected: %v", err)
	}
	if status, err := askWithoutCertificate(e.injector.Address()); err == nil {
		t.Errorf("a client without a certificate is answered: %d", status)
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
