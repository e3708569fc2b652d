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
	r.pod("node-monitor", withImage("ghcr.io/performancecopilot/pcp:7.2.0"))
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
		return r.serves(ctx, r.webhook.Address(), secret["tls.crt"])
	})
}

// uninstall uninstalls the release and fails if it still has a say in admissions. The claims stay, since the archives are in them; and
// so does, until its user deletes it, what protects the pod that has PCP. A pod that asks for PCP is then created without.
func (r *release) uninstall() {
	r.t.Helper()
	objects := r.must("get", "manifest", r.name, "--namespace", r.namespace)
	r.must("uninstall", r.name, "--namespace", r.namespace, "--wait", "--timeout", "60s")
	left := mustKubectl(r.t, objects, "get", "--ignore-not-found", "--output", "name", "-f", "-")
	if got, want := slices.Sorted(strings.FieldsSeq(left)), r.kept(); !slices.Equal(got, want) {
		r.t.Errorf("left after uninstalling: %q, want %q", got, want)
	}
	r.requireProtected(r.target)
	r.forget(r.target)
	r.replacePod()
	r.pod("node-monitor", untouched)
}

// kept are the objects that outlive the release.
func (r *release) kept() []string {
	kept := []string{"networkpolicy.networking.k8s.io/node-monitor-pcp", "persistentvolumeclaim/pcp-pmlogger", "persistentvolumeclaim/pcp-pmproxy"}
	for _, policy := range []string{"adoption", "claims", "endpoints", "exec", "files", "live-claims", "live-files", "live-pod", "network", "pod-binding", "route", "service"} {
		for _, kind := range []string{"validatingadmissionpolicy", "validatingadmissionpolicybinding"} {
			kept = append(kept, kind+".admissionregistration.k8s.io/"+r.fullname()+"."+r.namespace+"."+r.target+"."+policy)
		}
	}
	slices.Sort(kept)
	return kept
}

// requireProtected fails if the pod of the namespace that has PCP could be taken out of its NetworkPolicy.
func (r *release) requireProtected(namespace string) {
	r.t.Helper()
	mustKubectl(r.t, "", "get", "networkpolicy", "node-monitor-pcp", "--namespace", namespace)
	said := kubectl(r.t, "", "label", "pods", "--selector", "app=node-monitor", "pcp.io/injected-", "--namespace", namespace, "--dry-run=server")
	if said.err == nil || !strings.Contains(said.stderr, "cannot change in a live pod") {
		r.t.Errorf("the label of the pod can be removed: error %v\n%s", said.err, said.all())
	}
}

// forget runs what the notes say about what is kept for a namespace.
func (r *release) forget(namespace string) {
	r.t.Helper()
	mustKubectl(r.t, "", "--namespace", namespace, "delete", "--ignore-not-found", "networkpolicy", "node-monitor-pcp")
	deleted := mustKubectl(r.t, "", "delete", "validatingadmissionpolicies,validatingadmissionpolicybindings",
		"--selector", "app.kubernetes.io/instance="+r.name+",pcp.io/target-namespace="+namespace)
	if strings.Count(deleted, "\n") < 24 {
		r.t.Errorf("deleted of the guard: %q, want 12 policies and their bindings", deleted)
	}
}

// TestMovedTarget: the pod in the former target's namespace, in which PCP runs on, stays protected, and the new one's is.
func TestMovedTarget(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=Target")
	r.install()
	r.serve()
	r.awaitTrust()
	r.apply(nodeMonitor()).must(t)
	r.pod("node-monitor", injected)
	before := r.target
	r.target = r.namespace + "-moved"
	createNamespace(t, r.target, map[string]string{"pcp.io/injection": "enabled"})
	r.upgrade("config.target.namespace=" + r.target)
	r.requireProtected(before)
	r.apply(nodeMonitor()).must(t)
	r.pod("node-monitor", injected)
	r.requireProtected(r.target)
	r.forget(before)
	r.requireProtected(r.target)
}
