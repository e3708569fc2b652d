package e2e_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// What the administrator adds to a monitor, as YAML that the injector's configuration and the values of charts/pcp share: the settings of the agent
// mounts, a file of which there is nothing, and two https sources, of which one has a certificate of the CA.
const (
	monitorFiles     = "files: [{path: /etc/pcp/mounts/mounts.conf, configMap: agents}, {path: " + missingFile + ", secret: none}]"
	missingFile      = "/etc/pcp/nginx/nginx.conf"
	privateCA        = "caBundle: {configMap: company-ca}"
	privateEndpoints = "private: {url: 'https://private:9443/1234567'}, stranger: {url: 'https://stranger-exporter:9443/metrics'}"
)

// privateSource is the metric of the source with a certificate of the CA, and its value.
var privateSource = map[string]int{"openmetrics.private.answer": len("/1234567")}

// createFiles makes the objects that the files are from, and the exporters.
func (s *scene) createFiles() {
	s.t.Helper()
	s.createConfigMap("agents", "mounts.conf", "/proc\n")
	for _, name := range []string{"private", "stranger-exporter"} {
		authority, err := cluster.NewAuthority(name + "-ca")
		if err != nil {
			s.t.Fatal(err)
		}
		if name == "private" {
			s.createConfigMap("company-ca", "ca.crt", string(authority.PEM()))
		}
		certificate, err := authority.ServingCertificate(name)
		if err != nil {
			s.t.Fatal(err)
		}
		s.createConfigMap(name, "tls.pem", string(certificate.Cert)+string(certificate.Key))
		exporter := podOf(name, corev1.Container{
			Name: name, Image: here.pcp[0].Name, Command: []string{"python3", "-c", tlsExporter},
			VolumeMounts: []corev1.VolumeMount{{Name: "tls", MountPath: "/tls"}},
		})
		exporter.Spec.Volumes = []corev1.Volume{{Name: "tls", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
			LocalObjectReference: corev1.LocalObjectReference{Name: name},
		}}}}
		s.create(exporter)
		s.createService(name, 9443)
	}
}

// tlsExporter is the exporter over https.
var tlsExporter = strings.Replace(strings.Replace(exporter, `http.server.ThreadingHTTPServer(("", 9100), Handler).serve_forever()`, `
server = http.server.ThreadingHTTPServer(("", 9443), Handler)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain("/tls/tls.pem")
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()`, 1), "import http.server,", "import ssl, http.server,", 1)

func (s *scene) createConfigMap(name, key, content string) {
	s.t.Helper()
	object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}, Data: map[string]string{key: content}}
	if _, err := s.client.CoreV1().ConfigMaps(s.namespace).Create(s.t.Context(), object, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

// refusedCertificate is what the agent says of a source whose CA it does not trust.
var refusedCertificate = regexp.MustCompile(`"stranger"\] value "failed to fetch .*CERTIFICATE_VERIFY_FAILED`)

// files: an agent has the administrator's settings, and those that come later; a file of which there is nothing keeps nobody from starting; the
// agent openmetrics trusts the administrator's CA beside the image's, and no other.
func (m *monitor) files(t *testing.T) {
	t.Helper()
	m.pcpSays(t, refusedCertificate, "pminfo", "-f", "openmetrics.control.status")
	m.pcpSays(t, regexp.MustCompile(`(?m)^\d{2,}$`), "grep", "-c", "BEGIN CERTIFICATE", "/var/lib/pcp-openmetrics-ca.pem")
	m.pcpSays(t, regexp.MustCompile(`\n {4}inst \[\d+ or "/proc"\] value 1\n\s*$`), "pminfo", "-f", "mounts.up")
	log, err := m.kubectl(t.Context(), "logs", m.pod.Name, "--container", "pcp")
	if err != nil || !strings.Contains(log, missingFile+" is missing") {
		t.Errorf("the container's log does not say that %s is missing (error: %v): %s", missingFile, err, log)
	}
	patch := `--patch={"data": {"mounts.conf": "/proc\n/sys\n"}}`
	if _, err := m.kubectl(t.Context(), "patch", "configmap", "agents", "--type=merge", patch); err != nil {
		t.Fatal(err)
	}
	m.pcpSays(t, regexp.MustCompile(`^/proc\n/sys\n$`), "cat", "/etc/pcp/mounts/mounts.conf")
}

// pcpSays waits until a command in PCP's container prints what is wanted.
func (m *monitor) pcpSays(t *testing.T, want *regexp.Regexp, command ...string) {
	t.Helper()
	eventually(t, metricLimit, strings.Join(command, " "), func() error {
		output, err := m.pcp(command...)
		if err == nil && !want.MatchString(output) {
			err = fmt.Errorf("got %q, want %s", output, want)
		}
		return err
	})
}
