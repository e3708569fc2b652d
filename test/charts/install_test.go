package charts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/performancecopilot/pcp-injector/test/certmanager"
	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// TestLife: each kind of certificate, with either Helm, from the installation to the end.
func TestLife(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, tool string
		prepare    func(*release)
	}{
		{"cert-manager", "helm", func(*release) {}},
		{"cert-manager-helm3", "helm3", func(*release) {}},
		{"issuer", "helm3", giveIssuer},
		{"generated", "helm", func(r *release) { r.set("certificates.mode=helm") }},
		{"generated-helm3", "helm3", func(r *release) { r.set("certificates.mode=helm") }},
		{"secret", "helm", giveSecret},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, test.tool, "guard.warnings.scope=Target")
			test.prepare(r)
			r.install()
			r.serve()
			r.awaitTrust()
			r.apply(nodeMonitor()).must(t)
			r.pod("node-monitor", injected)
			r.reconfigure()
			r.uninstall()
		})
	}
}

// reconfigure upgrades the release with another configuration and rolls it back. Either way the webhook's pods are replaced, its
// certificate stays, and the next pod is made after the configuration in force.
func (r *release) reconfigure() {
	r.t.Helper()
	before, certificate := r.deployment().Spec.Template.Annotations["checksum/config"], r.certificate().Data
	r.upgrade("config.container.image=registry.example.com/pcp:next")
	if after := r.deployment().Spec.Template.Annotations["checksum/config"]; after == before {
		r.t.Errorf("the checksum of the configuration stayed %q", after)
	}
	r.replacePod()
	r.pod("node-monitor", withImage("registry.example.com/pcp:next"))
	r.rollback()
	if after := r.deployment().Spec.Template.Annotations["checksum/config"]; after != before {
		r.t.Errorf("the checksum of the configuration is %q after the rollback, want %q", after, before)
	}
	r.replacePod()
	r.pod("node-monitor", withImage("quay.io/performancecopilot/pcp:latest"))
	if !maps.EqualFunc(r.certificate().Data, certificate, bytes.Equal) {
		r.t.Error("the certificate is another after an upgrade and a rollback")
	}
}

func withImage(image string) func(*corev1.Pod) error {
	return func(pod *corev1.Pod) error {
		if container := pcp(pod); container == nil || container.Image != image {
			return fmt.Errorf("it has no container pcp of %s: %+v", image, container)
		}
		return nil
	}
}

// giveIssuer gives the release a CA issuer that is not its own.
func giveIssuer(r *release) {
	r.t.Helper()
	mustKubectl(r.t, `
apiVersion: cert-manager.io/v1
kind: Certificate
metadata: {name: company-ca}
spec:
  isCA: true
  commonName: company-ca
  secretName: company-ca
  issuerRef: {name: `+certmanager.ClusterIssuer+`, kind: ClusterIssuer}
---
apiVersion: cert-manager.io/v1
kind: Issuer
metadata: {name: company}
spec: {ca: {secretName: company-ca}}
`, "apply", "--namespace", r.namespace, "-f", "-")
	mustKubectl(r.t, "", "wait", "--namespace", r.namespace, "--for=condition=Ready", "issuer/company", "--timeout=30s")
	r.set("certificates.certManager.issuerRef.name=company")
}

// giveSecret gives the release a certificate made elsewhere.
func giveSecret(r *release) {
	r.t.Helper()
	authority, err := cluster.NewAuthority("elsewhere")
	if err != nil {
		r.t.Fatal(err)
	}
	certificate, err := authority.ServingCertificate("pcp-injector." + r.namespace + ".svc")
	if err != nil {
		r.t.Fatal(err)
	}
	folder := r.t.TempDir()
	for name, data := range map[string][]byte{"tls.crt": certificate.Cert, "tls.key": certificate.Key, "ca.crt": authority.PEM()} {
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o600); err != nil {
			r.t.Fatal(err)
		}
	}
	mustKubectl(r.t, "", "create", "secret", "tls", "given", "--namespace", r.namespace, "--cert", folder+"/tls.crt", "--key", folder+"/tls.key")
	r.set("certificates.mode=secret", "certificates.secret.name=given")
	r.flags = append(r.flags, "--set-file", "certificates.secret.caBundle="+folder+"/ca.crt")
}

// awaitTrust waits until the caBundle, which the cainjector fills in with cert-manager, vouches for the Secret's certificate, and
// the webhook serves exactly that, for the Service's DNS name.
func (r *release) awaitTrust() {
	r.t.Helper()
	secret := r.certificate().Data
	r.eventually("the caBundle", func(ctx context.Context) error {
		called, err := r.called(ctx)
		if err != nil {
			return err
		}
		if len(called.CABundle) == 0 {
			return errors.New("it is empty")
		}
		if authority := secret["ca.crt"]; authority != nil && !bytes.Equal(bytes.TrimSpace(called.CABundle), bytes.TrimSpace(authority)) {
			return errors.New("it is another than the Secret's ca.crt")
		}
		return r.serves(ctx, secret["tls.crt"])
	})
}

// uninstall uninstalls the release and fails if it still has a say in admissions. The claims stay, since the archives are in them;
// a pod that asks for PCP is created without.
func (r *release) uninstall() {
	r.t.Helper()
	objects := r.must("get", "manifest", r.name, "--namespace", r.namespace)
	r.must("uninstall", r.name, "--namespace", r.namespace, "--wait", "--timeout", "60s")
	left := mustKubectl(r.t, objects, "get", "--ignore-not-found", "--output", "name", "-f", "-")
	want := []string{"persistentvolumeclaim/pcp-pmlogger", "persistentvolumeclaim/pcp-pmproxy"}
	if got := slices.Sorted(strings.FieldsSeq(left)); !slices.Equal(got, want) {
		r.t.Errorf("left after uninstalling: %q, want %q", got, want)
	}
	r.replacePod()
	r.pod("node-monitor", untouched)
}
