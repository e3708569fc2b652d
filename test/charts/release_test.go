package charts_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/injector"
)

// release is a release of charts/pcp-injector in a namespace of its own, for a target in another.
type release struct {
	helm

	name              string
	namespace, target string
	flags             []string // that set values
	webhook           *injector.Injector
}

// newRelease prepares a release in a namespace that enforces the restricted Pod Security standard, and its target.
func newRelease(t *testing.T, tool string, values ...string) *release {
	t.Helper()
	namespace := namespaceFor(t)
	createNamespace(t, namespace, map[string]string{
		"pod-security.kubernetes.io/enforce": "restricted", "pod-security.kubernetes.io/warn": "restricted",
	})
	return releaseIn(t, tool, "pcp-injector", namespace, values...)
}

// releaseIn prepares a release and the namespace of its target, which has opted in.
func releaseIn(t *testing.T, tool, name, namespace string, values ...string) *release {
	t.Helper()
	r := &release{helm: newHelm(t, tool), name: name, namespace: namespace, target: namespace + "-" + name + "-target"}
	r.set(append(values, "config.target.namespace="+r.target)...)
	createNamespace(t, r.target, map[string]string{"pcp.io/injection": "enabled"})
	t.Cleanup(r.cleanUp)
	return r
}

// namespaceFor is a name of the test's own.
func namespaceFor(t *testing.T) string {
	t.Helper()
	return strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))
}

func createNamespace(t *testing.T, name string, labels map[string]string) {
	t.Helper()
	if err := plane.CreateNamespace(t.Context(), name, labels); err != nil {
		t.Fatal(err)
	}
}

func (r *release) cleanUp() {
	if r.t.Failed() {
		for _, namespace := range []string{r.namespace, r.target} {
			r.t.Logf("pods and events of %s:\n%s", namespace, r.look(namespace))
		}
	}
	r.dismiss()
	if r.webhook == nil {
		return
	}
	if r.t.Failed() {
		r.t.Logf("log of the webhook:\n%s", r.webhook.Log())
	}
	if err := r.webhook.Stop(); err != nil {
		r.t.Error(err)
	}
}

// dismiss deletes what the release has in the whole cluster: the API server would go through it at each request of the other tests, and a
// run makes hundreds of policies.
func (r *release) dismiss() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	kinds := plane.Client().AdmissionregistrationV1()
	of := metav1.ListOptions{LabelSelector: "pcp.io/target-namespace=" + r.target}
	err := errors.Join(
		kinds.ValidatingAdmissionPolicyBindings().DeleteCollection(ctx, metav1.DeleteOptions{}, of),
		kinds.ValidatingAdmissionPolicies().DeleteCollection(ctx, metav1.DeleteOptions{}, of),
		kinds.MutatingWebhookConfigurations().DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{
			FieldSelector: "metadata.name=" + r.fullname() + "." + r.namespace,
		}),
	)
	if err != nil {
		r.t.Error(err)
	}
}

// look is what an administrator would look at first. The test's own context is done by then.
func (r *release) look(namespace string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, plane.Kubectl(), "get", "pods,events", "--namespace", namespace)
	cmd.Env = append(os.Environ(), plane.Environment()...)
	said, err := cmd.CombinedOutput()
	if err != nil {
		return err.Error()
	}
	return string(said)
}

// set adds values, as key=value.
func (r *release) set(values ...string) {
	for _, value := range values {
		r.flags = append(r.flags, "--set", value)
	}
}

// install installs the chart and waits as its users do; nothing serves its webhook yet.
func (r *release) install() {
	r.t.Helper()
	r.deploy("install", injectorChart)
}

// upgrade changes the values of the release. As in a real cluster, new pods serve the new configuration: that is a new process here.
func (r *release) upgrade(values ...string) {
	r.t.Helper()
	r.set(values...)
	r.deploy("upgrade", injectorChart)
	r.serve()
}

func (r *release) deploy(verb, chart string) {
	r.t.Helper()
	r.must(append([]string{verb, r.name, chart, "--namespace", r.namespace, "--wait", "--timeout", "60s"}, r.flags...)...)
}

func (r *release) rollback() {
	r.t.Helper()
	r.must("rollback", r.name, "--namespace", r.namespace, "--wait", "--timeout", "60s")
	r.serve()
}

// fullname is that of the release's objects.
func (r *release) fullname() string {
	if strings.Contains(r.name, "pcp-injector") {
		return r.name
	}
	return r.name + "-pcp-injector"
}

// deployment is the webhook's.
func (r *release) deployment() *appsv1.Deployment {
	r.t.Helper()
	deployment, err := plane.Client().AppsV1().Deployments(r.namespace).Get(r.t.Context(), r.fullname(), metav1.GetOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	return deployment
}

// called is how the API server calls the webhook.
func (r *release) called(ctx context.Context) (admissionregistrationv1.WebhookClientConfig, error) {
	configuration, err := plane.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().Get(ctx, r.fullname()+"."+r.namespace, metav1.GetOptions{})
	if err != nil {
		return admissionregistrationv1.WebhookClientConfig{}, err
	}
	return configuration.Webhooks[0].ClientConfig, nil
}

// serve runs what the webhook's pods would: the executable with the container's arguments, the ConfigMap as its configuration and
// the Secret as its certificate, all as the chart's Deployment mounts them.
func (r *release) serve() {
	r.t.Helper()
	r.serveWith(command)
}

// serveWith runs another executable.
func (r *release) serveWith(command string) {
	r.t.Helper()
	if r.webhook != nil {
		if err := r.webhook.Stop(); err != nil {
			r.t.Fatal(err)
		}
	}
	spec := r.deployment().Spec.Template.Spec
	var config string
	var certificate map[string][]byte
	r.eventually("what the webhook's pods mount", func(ctx context.Context) (err error) {
		config, certificate, err = mounts(ctx, r.namespace, &spec)
		return err
	})
	var err error
	r.webhook, err = injector.Serve(r.t.Context(), injector.Options{
		Command: command, Name: r.namespace, Config: config, Arguments: spec.Containers[0].Args,
	}, certificate)
	if err != nil {
		r.t.Fatal(err)
	}
	services.connect(r.namespace+"/"+r.fullname(), r.webhook.Address())
}

// certificate is the Secret that the webhook's pods mount; with cert-manager it takes a moment.
func (r *release) certificate() *corev1.Secret {
	r.t.Helper()
	var secret *corev1.Secret
	r.eventually("the certificate's Secret", func(ctx context.Context) (err error) {
		secret, err = plane.Client().CoreV1().Secrets(r.namespace).Get(ctx, r.mounted().SecretName, metav1.GetOptions{})
		return err
	})
	return secret
}

func (r *release) mounted() *corev1.SecretVolumeSource {
	r.t.Helper()
	for _, volume := range r.deployment().Spec.Template.Spec.Volumes {
		if volume.Secret != nil {
			return volume.Secret
		}
	}
	r.t.Fatal("no volume of the Deployment is a Secret")
	return nil
}

// mounts are what a pod of the webhook mounts: the text of its configuration, and the files of its certificate, which cert-manager
// takes a moment to issue.
func mounts(ctx context.Context, namespace string, spec *corev1.PodSpec) (config string, certificate map[string][]byte, err error) {
	for _, volume := range spec.Volumes {
		switch {
		case volume.ConfigMap != nil:
			config, err = configIn(ctx, namespace, volume.ConfigMap.Name)
		case volume.Secret != nil:
			certificate, err = filesIn(ctx, namespace, volume.Secret)
		}
		if err != nil {
			return "", nil, err
		}
	}
	if config == "" || certificate == nil {
		return "", nil, errors.New("no volume of the pod is a ConfigMap with a file, or none is a Secret")
	}
	return config, certificate, nil
}

func configIn(ctx context.Context, namespace, name string) (string, error) {
	values, err := plane.Client().CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", err
	}
	for _, text := range values.Data {
		return text, nil
	}
	return "", nil
}

func filesIn(ctx context.Context, namespace string, volume *corev1.SecretVolumeSource) (map[string][]byte, error) {
	secret, err := plane.Client().CoreV1().Secrets(namespace).Get(ctx, volume.SecretName, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for _, item := range volume.Items {
		files[item.Path] = secret.Data[item.Key]
	}
	return files, nil
}

// eventually waits for the check to succeed.
func (r *release) eventually(what string, check func(context.Context) error) {
	r.t.Helper()
	if err := eventually(r.t.Context(), what, check); err != nil {
		r.t.Fatal(err)
	}
}

// eventually is patient enough for a machine on which all tests run at once.
func eventually(ctx context.Context, what string, check func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	return plane.Eventually(ctx, what, check)
}
