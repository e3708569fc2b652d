package charts_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestMode: an upgrade that would replace the webhook's certificate by one of another kind is refused before anything changes, in either direction and
// with either Helm, and pods get PCP meanwhile. After what the refusal says, the upgrade goes through, and until it has, no pod is created without PCP.
func TestMode(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, tool, from, to string }{
		{"to-helm", "helm", "certManager", "helm"},
		{"to-helm-helm3", "helm3", "certManager", "helm"},
		{"to-cert-manager", "helm", "helm", "certManager"},
		{"to-cert-manager-helm3", "helm3", "helm", "certManager"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, test.tool, "guard.warnings.scope=Target", "certificates.mode="+test.from)
			r.install()
			r.serve()
			r.awaitTrust()
			r.eventually("a pod with PCP", func(ctx context.Context) error { return r.admit(ctx, r.streamed()) })
			// Without the webhook, the guard's policies refuse pods that ask. The API server takes a moment to know them.
			r.requireAttempts(r.applied("replicas", func(d *appsv1.Deployment) { d.Spec.Replicas = new(int32(3)) }).isDenied("spec.replicas: Invalid value: 3"))
			r.requireModeRefused(test.from, test.to)
			r.changeMode(test.to)
			r.apply(nodeMonitor()).must(t)
			r.pod("node-monitor", injected)
		})
	}
}

// requireModeRefused tries the upgrade while pods are created all the time.
func (r *release) requireModeRefused(from, to string) {
	r.t.Helper()
	ctx, stop := context.WithCancel(r.t.Context())
	defer stop()
	before, admissions := r.objects(), r.startAdmissions(ctx)
	command := append([]string{"upgrade", r.name, injectorChart, "--namespace", r.namespace}, r.flags...)
	refused := r.run(append(command, "--set", "certificates.mode="+to)...)
	stop()
	want := "certificates.mode: " + to + ": the release has " + from + ": set certificates.mode to " + from + " in your values file"
	if refused.err == nil || !strings.Contains(refused.stderr, want) {
		r.t.Errorf("error %v, want %q: %s", refused.err, want, refused.all())
	}
	if result := <-admissions; result.err != nil || result.count == 0 {
		r.t.Errorf("of %d pods, the last failed: %v", result.count, result.err)
	}
	if after := r.objects(); !slices.Equal(after, before) {
		r.t.Errorf("changed, although the upgrade was refused: %q, before %q", after, before)
	}
}

// changeMode follows the refusal, and fails if a pod that asks is created without PCP meanwhile.
func (r *release) changeMode(to string) {
	r.t.Helper()
	ctx, stop := context.WithCancel(r.t.Context())
	defer stop()
	silent := make(chan int, 1)
	go func() { silent <- r.countSilent(ctx) }()
	mustKubectl(r.t, "", "delete", "mutatingwebhookconfiguration", r.fullname()+"."+r.namespace)
	r.upgrade("certificates.mode=" + to)
	r.awaitTrust()
	stop()
	if count := <-silent; count > 0 {
		r.t.Errorf("%d pods that asked were created without PCP, and nobody said so", count)
	}
}

// countSilent creates pods that ask, until the context is done, and counts those that are neither refused nor answered.
func (r *release) countSilent(ctx context.Context) (count int) {
	for ctx.Err() == nil {
		created, err := plane.Client().CoreV1().Pods(r.target).Create(ctx, r.streamed(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if err == nil && created.Annotations["pcp.io/status"] == "" {
			count++
		}
	}
	return count
}

// streamed is a pod that asks.
func (r *release) streamed() *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "stream-", Annotations: map[string]string{"pcp.io/inject": "true"}},
		Spec:       nodeMonitor().Spec.Template.Spec,
	}
}
