package charts_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestSharedNamespace: who edits the namespace of the release can rewrite its configuration, so it is not the target's unless that is accepted.
func TestSharedNamespace(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=None")
	r.set("config.target.namespace=" + r.namespace)
	refused := r.run(append([]string{"install", r.name, injectorChart, "--namespace", r.namespace}, r.flags...)...)
	if want := "config.target.namespace: " + r.namespace + " is the release's own namespace"; refused.err == nil || !strings.Contains(refused.stderr, want) {
		t.Errorf("helm says %q, want %q", refused.stderr, want)
	}
	r.set("pcp.namespace.shared=true")
	r.install()
	if notes := r.must("get", "notes", r.name, "--namespace", r.namespace); !strings.Contains(notes, "WARNING: the target shares the namespace") {
		t.Errorf("the notes do not warn: %s", notes)
	}
	mustKubectl(t, "", "create", "rolebinding", "editor", "--clusterrole=edit", "--user=alice", "--namespace", r.namespace)
	for _, object := range []string{"configmap/" + r.fullname(), "secret/" + r.fullname() + "-helm-tls"} {
		r.eventually("the editor's right to "+object, func(context.Context) error {
			return kubectl(t, "", "patch", object, "--namespace", r.namespace, "--as", "alice", "--type=merge", `--patch={"metadata":{"labels":{"owned":"by-alice"}}}`, "--dry-run=server").err
		})
	}
}

// TestTwoReleases: two releases for two targets, side by side in one namespace, each inject their own; when one goes, the
// other stays.
func TestTwoReleases(t *testing.T) {
	t.Parallel()
	first := newRelease(t, "helm", "guard.warnings.scope=Target")
	second := releaseIn(t, "helm3", "second", first.namespace, "guard.warnings.scope=Target")
	for _, r := range []*release{first, second} {
		r.install()
		r.serve()
		r.awaitTrust()
		r.apply(nodeMonitor()).must(t)
		r.pod("node-monitor", injected)
	}
	if strings.Contains(first.webhook.Log(), second.target) || strings.Contains(second.webhook.Log(), first.target) {
		t.Error("a webhook was asked about a pod of the other's target")
	}
	first.uninstall()
	second.replacePod()
	second.pod("node-monitor", injected)
	second.eventually("the claims", func(ctx context.Context) error {
		_, err := plane.Client().CoreV1().PersistentVolumeClaims(second.target).Get(ctx, "pcp-pmlogger", metav1.GetOptions{})
		return err
	})
	second.uninstall()
}
