package e2e_test

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
	"github.com/performancecopilot/pcp-injector/test/injector"
)

// scene is a namespace that has opted in, with PCP's claims, an injector of its own and a pod to ask PCP from.
type scene struct {
	t         *testing.T
	namespace string
	client    kubernetes.Interface
	injector  *injector.Injector
}

// newScene starts an injector for the namespace. settings are further lines of its configuration.
func newScene(t *testing.T, settings string) *scene {
	t.Helper()
	if machine == nil {
		t.Skip("needs a real node: run make e2e, as root on Linux")
	}
	s := &scene{t: t, namespace: strings.ToLower(t.Name()), client: machine.Plane.Client()}
	if err := machine.Plane.CreateInjectionNamespace(t.Context(), s.namespace); err != nil {
		t.Fatal(err)
	}
	s.claim("pcp-pmlogger")
	s.claim("pcp-pmproxy")
	if !strings.Contains(settings, "target:") {
		settings = "target: {namespace: NAMESPACE}\n" + settings
	}
	if !strings.Contains(settings, "container:") {
		settings += "\ncontainer: {image: IMAGE}\n"
	}
	var err error
	s.injector, err = injector.Start(t.Context(), machine.Plane, injector.Options{
		Command: command, Name: s.namespace + ".injector.pcp.io", ProbeNamespace: s.namespace,
		Config: strings.NewReplacer("NAMESPACE", s.namespace, "IMAGE", pcpimage.Name).Replace(settings),
		Adjust: func(w *admissionregistrationv1.MutatingWebhook) {
			w.MatchConditions = append(w.MatchConditions, admissionregistrationv1.MatchCondition{
				Name: "test", Expression: "request.namespace == '" + s.namespace + "'",
			})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.end)
	s.create(sleeper("asker"))
	return s
}

// end lets the pods go, so that they do not compete with other tests; it tells of them if the test failed.
func (s *scene) end() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if s.t.Failed() {
		for _, arguments := range [][]string{{"describe", "pods"}, {"get", "events"}, {"logs", "--selector", "pcp.io/injected", "--container", "pcp"}} {
			output, _ := s.kubectl(ctx, arguments...)
			s.t.Logf("kubectl %s\n%s", strings.Join(arguments, " "), output)
		}
		s.t.Logf("log of the webhook:\n%s", s.injector.Log())
	}
	_, _ = s.kubectl(ctx, "delete", "deployments,jobs,pods", "--all", "--wait=false")
	if err := s.client.AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, s.injector.Name(), metav1.DeleteOptions{}); err != nil {
		s.t.Error(err)
	}
	if err := s.injector.Stop(); err != nil {
		s.t.Error(err)
	}
}

// claim makes a claim and, on the node, the volume for it.
func (s *scene) claim(name string) {
	s.t.Helper()
	path, err := machine.Volume(s.namespace + "-" + name)
	if err != nil {
		s.t.Fatal(err)
	}
	size := corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")}
	modes := []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce}
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: s.namespace + "-" + name},
		Spec: corev1.PersistentVolumeSpec{
			Capacity: size, AccessModes: modes, ClaimRef: &corev1.ObjectReference{Namespace: s.namespace, Name: name},
			PersistentVolumeSource: corev1.PersistentVolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: path}},
		},
	}
	if _, err := s.client.CoreV1().PersistentVolumes().Create(s.t.Context(), volume, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       corev1.PersistentVolumeClaimSpec{StorageClassName: new(""), AccessModes: modes, Resources: corev1.VolumeResourceRequirements{Requests: size}},
	}
	if _, err := s.client.CoreV1().PersistentVolumeClaims(s.namespace).Create(s.t.Context(), claim, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) create(pod *corev1.Pod) {
	s.t.Helper()
	if _, err := s.client.CoreV1().Pods(s.namespace).Create(s.t.Context(), pod, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *scene) kubectl(ctx context.Context, arguments ...string) (string, error) {
	var output, problems bytes.Buffer
	cmd := exec.CommandContext(ctx, machine.Plane.Kubectl(), append([]string{"--kubeconfig", machine.Plane.Kubeconfig(), "--namespace", s.namespace}, arguments...)...)
	cmd.Stdout, cmd.Stderr = &output, &problems
	if err := cmd.Run(); err != nil {
		return output.String(), fmt.Errorf("kubectl %s: %w: %s%s", strings.Join(arguments, " "), err, output.String(), problems.String())
	}
	return output.String(), nil
}

// in runs a command in a pod's container, with a limit, and returns what it prints.
func (s *scene) in(pod, container string, command ...string) (string, error) {
	ctx, cancel := context.WithTimeout(s.t.Context(), 20*time.Second)
	defer cancel()
	return s.kubectl(ctx, append([]string{"exec", pod, "--container", container, "--"}, command...)...)
}

// ask runs a command in the pod that is not PCP's.
func (s *scene) ask(command ...string) (string, error) { return s.in("asker", "sleeper", command...) }

// fetch asks a pod's pmproxy from another pod. An answer that breaks off in the middle, as pmproxy's do when they are long, is one too.
func (s *scene) fetch(pod *corev1.Pod, path string) (string, error) {
	const script = `
import http.client, sys, urllib.request
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=10).read().decode())
except http.client.IncompleteRead as broken:
    print(broken.partial.decode())
`
	return s.ask("python3", "-c", script, "http://"+pod.Status.PodIP+":44322"+path)
}

// eventually repeats a check until it succeeds, and fails the test after the limit.
func eventually(t *testing.T, limit time.Duration, what string, check func() error) {
	t.Helper()
	began := time.Now()
	for {
		err := check()
		if err == nil {
			t.Logf("%s: %s", what, time.Since(began).Round(100*time.Millisecond))
			return
		}
		if time.Since(began) > limit {
			t.Fatalf("waited %s for %s in vain: %v", limit, what, err)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(err)
		case <-time.After(500 * time.Millisecond):
		}
	}
}
