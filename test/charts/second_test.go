package charts_test

import (
	"context"
	"fmt"
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

// TestTwoReleasesWithDefaults: no release calls a request without effect that the other grants.
func TestTwoReleasesWithDefaults(t *testing.T) {
	t.Parallel()
	first := newRelease(t, "helm", "certificates.mode=helm")
	second := releaseIn(t, "helm3", "second", first.namespace, "certificates.mode=helm")
	first.install()
	second.install()
	second.serve()
	second.awaitTrust()
	second.eventually("what is said about the second's target", func(context.Context) error {
		said := kubectl(t, manifest(t, nodeMonitor()), "apply", "--namespace", second.target, "-f", "-", "--dry-run=server")
		if about := first.own(said.stderr) + second.own(said.stderr); said.err != nil || !strings.Contains(about, "has an effect only with another release") ||
			strings.Contains(about, "has no effect") {
			return fmt.Errorf("error %w: %s", said.err, about)
		}
		return nil
	})
	second.apply(nodeMonitor()).must(t)
	second.pod("node-monitor", injected)
}

// TestMissingNamespace: either Helm says what to do about a target's namespace that does not exist, before it installs anything. helm template cannot
// know.
func TestMissingNamespace(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, tool, "certificates.mode=helm", "guard.warnings.scope=None")
			mustKubectl(t, "", "delete", "namespace", r.target, "--wait")
			refused := r.run(append([]string{"install", r.name, injectorChart, "--namespace", r.namespace}, r.flags...)...)
			want := "config.target.namespace: namespace " + r.target + " does not exist: create it, or set pcp.namespace.create=true"
			if refused.err == nil || !strings.Contains(refused.stderr, want) {
				t.Errorf("error %v, want %q: %s", refused.err, want, refused.all())
			}
			if list := r.must("list", "--all-namespaces", "--filter", "^"+r.name+"$", "--namespace", r.namespace); strings.Contains(list, r.namespace) {
				t.Errorf("a release is left: %s", list)
			}
			r.must(append([]string{"template", r.name, injectorChart, "--namespace", r.namespace}, r.flags...)...)
			r.set("pcp.namespace.create=true")
			r.install()
		})
	}
}
