package e2e_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	injectorChart = "../../charts/pcp-injector"
	pcpChart      = "../../charts/pcp"
)

// askerPeer lets the asker through the charts' NetworkPolicies.
const askerPeer = "[{podSelector: {matchLabels: {app: asker}}}]"

// release is one of a chart, with its own Helm home.
type release struct {
	t               *testing.T
	name, namespace string
	home            string
}

// installInjector does what the README says: it installs the injector for the Deployment node-monitor of the scene's namespace, and
// returns when the API server can call it. settings are further keys of the configuration, as YAML; target replaces the default one.
func (s *scene) installInjector(settings string) *release {
	s.t.Helper()
	r := &release{t: s.t, name: "pcp-injector", namespace: s.namespace + "-system"}
	s.makeNamespace(r.namespace, map[string]string{"pod-security.kubernetes.io/enforce": "restricted"})
	if !strings.Contains(settings, "target:") {
		settings = "target: {namespace: NAMESPACE}\n" + settings
	}
	if !strings.Contains(settings, "container:") {
		settings += "\ncontainer: {image: IMAGE}"
	}
	settings = strings.NewReplacer("NAMESPACE", s.namespace, "IMAGE", s.image, "\n", "\n  ").Replace(settings)
	repository, tag := splitImage(here.injector)
	var pcp []string
	if !strings.Contains(settings, "hostNetwork") && !strings.Contains(settings, "Loopback") { // Nobody can be let in.
		pcp = append(pcp, "networkPolicy: {from: "+askerPeer+"}")
	}
	if strings.Contains(settings, "kind: DaemonSet") {
		pcp = append(pcp, "service: {headless: true}")
	}
	if strings.Contains(settings, "claimName") {
		pcp = append(pcp, "claims: {create: false}")
	}
	values := fmt.Sprintf("config:\n  %s\nimage: {repository: %s, tag: %s}\nguard: {warnings: {scope: Target}}\npcp: {%s}\n",
		settings, repository, tag, strings.Join(pcp, ", "))
	s.install(r, injectorChart, values)
	r.awaitWebhook(s)
	return r
}

// installPCP installs the chart of PCP alone. values are further ones, as YAML.
func (s *scene) installPCP(values string) *release {
	s.t.Helper()
	r := &release{t: s.t, name: "pcp", namespace: s.namespace}
	s.selector = "app.kubernetes.io/name=pcp"
	repository, tag := splitImage(s.image)
	from := askerPeer
	if strings.Contains(values, "Loopback") || strings.Contains(values, "hostNetwork: true") && !strings.Contains(values, "AllAddresses") { // Nobody can be let in.
		from = "[]"
	}
	if strings.Contains(values, "acceptArchives") { // Those who push are in the namespace too.
		from = "[{podSelector: {}}]"
	}
	s.install(r, pcpChart, fmt.Sprintf("image: {repository: %s, tag: %s}\nnetworkPolicy: {from: %s}\n%s", repository, tag, from, values))
	return r
}

func (s *scene) install(r *release, chart, values string) {
	s.t.Helper()
	s.releases = append(s.releases, r)
	r.home = r.t.TempDir()
	file := filepath.Join(r.home, "values.yaml")
	if err := os.WriteFile(file, []byte(values), 0o600); err != nil {
		r.t.Fatal(err)
	}
	// Without --wait: where volumes are made for the first pod that wants them, the chart's claims wait for that pod.
	if _, err := r.helm(r.t.Context(), "install", r.name, chart, "--values", file); err != nil {
		r.t.Fatal(err)
	}
}

func (r *release) uninstall(ctx context.Context) {
	_, err := r.helm(ctx, "uninstall", r.name, "--wait=false")
	if err != nil && !strings.Contains(err.Error(), "not found") {
		r.t.Error(err)
	}
}

// test is helm test.
func (r *release) test(t *testing.T) {
	t.Helper()
	output, err := r.helm(t.Context(), "test", r.name, "--timeout", "60s")
	t.Logf("helm test (error: %v):\n%s", err, output)
	if err != nil {
		t.Fail()
	}
}

func (r *release) helm(ctx context.Context, arguments ...string) (string, error) {
	environment := []string{"KUBECONFIG=" + here.kubeconfig, "HELM_NAMESPACE=" + r.namespace}
	for _, folder := range []string{"CACHE", "CONFIG", "DATA"} {
		environment = append(environment, "HELM_"+folder+"_HOME="+filepath.Join(r.home, folder))
	}
	return execute(ctx, "env", append(append(environment, here.helm), arguments...)...)
}

// awaitWebhook returns when a replica is ready, and cert-manager has filled in whom the API server trusts.
func (r *release) awaitWebhook(s *scene) {
	r.t.Helper()
	eventually(r.t, startLimit, "the webhook", func() error {
		deployment, err := s.client.AppsV1().Deployments(r.namespace).Get(r.t.Context(), r.name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if deployment.Status.ReadyReplicas == 0 {
			return fmt.Errorf("no replica is ready: %+v", deployment.Status)
		}
		webhook, err := r.webhook(s)
		if err == nil && len(webhook.ClientConfig.CABundle) == 0 {
			err = errors.New("its caBundle is empty")
		}
		return err
	})
}

func (r *release) webhook(s *scene) (*admissionregistrationv1.MutatingWebhook, error) {
	found, err := s.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(r.t.Context(), r.name+"."+r.namespace, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return &found.Webhooks[0], nil
}
