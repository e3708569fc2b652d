package charts_test

import (
	"context"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

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
