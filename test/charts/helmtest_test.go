package charts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestHelmTest: helm test succeeds where injection works, and fails, saying why, where it cannot.
func TestHelmTest(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, tool, "certificates.mode=helm", "guard.warnings.scope=Target", "guard.requirePermission=true")
			r.install()
			r.serve()
			r.awaitTrust()
			if tested, said := r.test(); tested.err != nil || !strings.Contains(said, "NotDesignated") {
				t.Errorf("helm test: %v\n%s\nits pod says: %s", tested.err, tested.all(), said)
			}
			mustKubectl(t, "", "label", "namespace", r.target, "pcp.io/injection-")
			if tested, said := r.test(); tested.err == nil || !strings.Contains(said, "has namespace "+r.target+" the label pcp.io/injection=enabled?") {
				t.Errorf("helm test in a namespace that has not opted in: error %v\n%s\nits pod says: %s", tested.err, tested.all(), said)
			}
		})
	}
}

// TestKilledHelmTest: what a helm test leaves behind that is killed midway creates no pods, privileged ones least of all.
func TestKilledHelmTest(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.enabled=false")
	r.install()
	ctx, kill := context.WithCancel(t.Context())
	cmd := exec.CommandContext(ctx, r.command, "test", r.name, "--namespace", r.namespace)
	cmd.Env = append(os.Environ(), r.environment()...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	account := fmt.Sprintf("system:serviceaccount:%s:%s-test", r.namespace, r.fullname())
	r.eventually("the test's pod", func(ctx context.Context) error {
		_, err := plane.Client().CoreV1().Pods(r.namespace).Get(ctx, r.fullname()+"-test", metav1.GetOptions{})
		return err
	})
	kill()
	if err := cmd.Wait(); err == nil {
		t.Fatal("helm test ended before it was killed")
	}
	mustKubectl(t, "", "auth", "can-i", "create", "pods", "--namespace", r.target, "--as", account)
	const pod = `{apiVersion: v1, kind: Pod, metadata: {name: evil}, spec: {containers: [{name: evil, image: evil, securityContext: {privileged: true}}]}}`
	create := []string{"create", "--namespace", r.target, "--as", account, "-f", "-"}
	r.requireAttempts(attempt{name: "dry run", input: pod, arguments: create})
	if said := kubectl(t, pod, create...); said.err == nil || !strings.Contains(said.stderr, "pods: "+account+" is the account of helm test") {
		t.Errorf("error %v: %s", said.err, said.all())
	}
}

// test is helm test, and what its pod says.
func (r *release) test() (output, string) {
	r.t.Helper()
	tested := make(chan output)
	go func() { tested <- r.run("test", r.name, "--namespace", r.namespace, "--timeout", "30s") }()
	said := r.runTestPod()
	return <-tested, said
}

// runTestPod does what a kubelet would: it runs the pod's container, which is kubectl, as the pod's account, and reports how it ended.
func (r *release) runTestPod() string {
	r.t.Helper()
	var pod *corev1.Pod
	r.eventually("the pod of helm test", func(ctx context.Context) (err error) {
		pod, err = plane.Client().CoreV1().Pods(r.namespace).Get(ctx, r.fullname()+"-test", metav1.GetOptions{})
		if err == nil && pod.Status.Phase != corev1.PodRunning {
			err = errors.New("it is not running")
		}
		return err
	})
	account := fmt.Sprintf("system:serviceaccount:%s:%s", r.namespace, pod.Spec.ServiceAccountName)
	said := kubectl(r.t, "", append(pod.Spec.Containers[0].Args, "--as", account)...)
	phase := corev1.PodSucceeded
	if said.err != nil {
		phase = corev1.PodFailed
	}
	mustKubectl(r.t, "", "patch", "pod", pod.Name, "--namespace", r.namespace, "--subresource", "status", "--patch", fmt.Sprintf(`{"status": {"phase": %q}}`, phase))
	return said.all()
}
