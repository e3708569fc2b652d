package charts_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestRefusedConfiguration: either Helm refuses, before it applies anything, a configuration that the program refuses.
func TestRefusedConfiguration(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			// Nobody but this test runs the pods of that node.
			r := newRelease(t, tool, "certificates.mode=helm", "guard.warnings.scope=None", `nodeSelector.kubernetes\.io/hostname=nowhere`)
			r.requireRefused("container.services[0]", "--install", "config.container.services={pmlogger}")
			if found := r.objects(); len(found) > 0 {
				t.Errorf("applied, although the configuration was refused: %q", found)
			}
			r.runChecked("--install").must(t)
			before := r.objects()
			if len(before) < 3 {
				t.Fatalf("only %q are there after the installation", before)
			}
			r.requireRefused("persistence.pmlogger.type", "config.target.kind=DaemonSet")
			r.requireRefused("container.resources.requests[memory]", "config.container.resources.limits.memory=1Mi")
			r.requireRefused("openMetrics.endpoints[app].url", "config.openMetrics.endpoints.app.url=localhost:9100")
			if after := r.objects(); !slices.Equal(after, before) {
				t.Errorf("changed, although the configurations were refused: %q, before %q", after, before)
			}
			r.runChecked("config.container.services={pmcd}").must(t)
			jobs, err := plane.Client().BatchV1().Jobs(r.namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "status.successful=1"})
			if err != nil || len(jobs.Items) > 0 {
				t.Errorf("left of the Jobs that succeeded: %d (error: %v)", len(jobs.Items), err)
			}
		})
	}
}

// requireRefused fails unless the program refuses the values for the key, and so does Helm.
func (r *release) requireRefused(key string, arguments ...string) {
	r.t.Helper()
	said := r.runChecked(arguments...)
	if said.err == nil || !strings.Contains(said.stderr, r.fullname()+"-check-") || !strings.Contains(said.stderr, "failed") {
		r.t.Errorf("%v: error %v, and Helm does not name the Job: %s", arguments, said.err, said.all())
	}
	if !strings.Contains(said.stdout, key+": ") {
		r.t.Errorf("%v: the program does not name %s: %s", arguments, key, said.stdout)
	}
}

// runChecked upgrades the release with values, which count for this upgrade alone, and runs the Job's pod meanwhile. What the program says comes
// before what Helm says.
func (r *release) runChecked(arguments ...string) output {
	r.t.Helper()
	command := append([]string{"upgrade", r.name, injectorChart, "--namespace", r.namespace, "--timeout", "60s"}, r.flags...)
	for _, argument := range arguments {
		if !strings.HasPrefix(argument, "-") {
			command = append(command, "--set")
		}
		command = append(command, argument)
	}
	done := make(chan output)
	go func() { done <- r.run(command...) }()
	program := r.runCheckPod()
	said := <-done
	said.stdout = program.all() + said.stdout
	return said
}

// runCheckPod does what a kubelet would with the next pod that checks a configuration.
func (r *release) runCheckPod() output {
	r.t.Helper()
	var pod *corev1.Pod
	r.eventually("the pod that checks the configuration", func(ctx context.Context) error {
		pods, err := plane.Client().CoreV1().Pods(r.namespace).List(ctx, metav1.ListOptions{
			LabelSelector: "app.kubernetes.io/name=" + r.fullname() + "-check", FieldSelector: "status.phase=Pending",
		})
		if err != nil {
			return err
		}
		if len(pods.Items) == 0 {
			return errors.New("there is none")
		}
		pod = &pods.Items[0]
		return nil
	})
	said := runCheck(r.t, &corev1.PodTemplateSpec{ObjectMeta: pod.ObjectMeta, Spec: pod.Spec})
	phase, ended := corev1.PodSucceeded, corev1.ContainerStateTerminated{ExitCode: int32(exitStatus(said.err)), Message: said.stderr}
	if said.err != nil {
		phase = corev1.PodFailed
	}
	status := corev1.PodStatus{Phase: phase, ContainerStatuses: []corev1.ContainerStatus{{
		Name: pod.Spec.Containers[0].Name, State: corev1.ContainerState{Terminated: &ended},
	}}}
	_, err := plane.Client().CoreV1().Pods(r.namespace).Patch(r.t.Context(), pod.Name, types.StrategicMergePatchType, patchStatus(status), metav1.PatchOptions{}, "status")
	if err != nil {
		r.t.Fatal(err)
	}
	return said
}

// objects are the most important of the release, with what counts their changes.
func (r *release) objects() []string {
	r.t.Helper()
	var found []string
	for _, get := range []func() (metav1.Object, error){
		func() (metav1.Object, error) {
			return plane.Client().AppsV1().Deployments(r.namespace).Get(r.t.Context(), r.fullname(), metav1.GetOptions{})
		},
		func() (metav1.Object, error) {
			return plane.Client().CoreV1().ConfigMaps(r.namespace).Get(r.t.Context(), r.fullname(), metav1.GetOptions{})
		},
		func() (metav1.Object, error) {
			name := r.fullname() + "." + r.namespace
			return plane.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().Get(r.t.Context(), name, metav1.GetOptions{})
		},
	} {
		object, err := get()
		switch {
		case err == nil:
			version := object.GetResourceVersion()
			if object.GetGeneration() > 0 { // A change of the status is none.
				version = strconv.FormatInt(object.GetGeneration(), 10)
			}
			found = append(found, fmt.Sprintf("%T %s %s in version %s", object, object.GetName(), object.GetUID(), version))
		case !apierrors.IsNotFound(err):
			r.t.Fatal(err)
		}
	}
	return found
}
