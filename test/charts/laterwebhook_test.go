package charts_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// TestLaterWebhook: the API server does not come back to a webhook that it has not called before. So what another webhook asks in a
// pod's name gets an answer only if its turn comes before the injector's; else the guard says that it gets none.
func TestLaterWebhook(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=None")
	r.install()
	r.serve()
	r.awaitTrust()
	const pod = `{apiVersion: v1, kind: Pod, metadata: {name: bare}, spec: {containers: [{name: app, image: app}]}}`
	create := attempt{name: "pod", input: pod, arguments: []string{"create", "--namespace", r.target, "-f", "-"}}
	const silence = "asks for PCP, but the injector has not seen the pod"

	removeLater := r.askByWebhook("zz-" + r.namespace + ".example.com")
	r.requireAttempts(create.isDenied("metadata.annotations[pcp.io/inject]: Forbidden: " + silence))
	r.upgrade("webhook.failurePolicy=Ignore")
	r.requireAttempts(create.isWarned("metadata.annotations[pcp.io/inject]: " + silence))
	removeLater()

	r.askByWebhook("aa-" + r.namespace + ".example.com")
	r.requireAttempts(create.isWarned("pcp-injector: NotDesignated"))
}

// TestForeignMounts: no container but PCP's own mounts its volumes, neither by a webhook after the injector's, nor by who writes a
// template with PCP. The policy refuses the templates, and the pods that the webhook does not see; the webhook's second look the others.
func TestForeignMounts(t *testing.T) {
	t.Parallel()
	r, pod := started(t, "helm")
	const denied = "spec: Forbidden: app uses volumes of PCP (pcp-*), which only PCP's own containers may use: use another volume"
	mounting := func(name string) *appsv1.Deployment {
		deployment := beforehandIn("node-monitor", pod)
		container := &deployment.Spec.Template.Spec.Containers[0]
		container.VolumeMounts = append(container.VolumeMounts, corev1.VolumeMount{Name: name, MountPath: "/mnt"})
		return deployment
	}
	mountingPod := copied(pod)
	mountingPod.Spec = mounting("pcp-pmlogger").Spec.Template.Spec
	device := beforehandIn("node-monitor", pod)
	device.Spec.Template.Spec.Containers[0].VolumeDevices = []corev1.VolumeDevice{{Name: "pcp-pmlogger", DevicePath: "/dev/archives"}}
	r.requireAttempts(
		r.applies("a template with PCP's volume as a device", device).isDenied("spec.template."+denied),
		r.applies("a template that mounts PCP's volume", mounting("pcp-pmlogger")).isDenied("spec.template."+denied),
		r.applies("a template that mounts none", beforehandIn("node-monitor", pod)),
		r.applies("a pod that mounts PCP's volume", mountingPod).isDenied(denied),
		r.applied("no containers", func(d *appsv1.Deployment) { d.Spec.Template.Spec.Containers = nil }).isDenied("spec.template.spec.containers: Required value"),
	)
	r.patchByWebhook("zz-"+r.namespace+".example.com", func(pod string) string {
		if !strings.Contains(pod, `"pcp-pmlogger"`) || strings.Contains(pod, `"/mnt"`) {
			return ""
		}
		return `[{"op": "add", "path": "/spec/containers/0/volumeMounts/-", "value": {"name": "pcp-pmlogger", "mountPath": "/mnt"}}]`
	})
	r.eventually("a replacement that is refused", func(ctx context.Context) error {
		mustKubectl(t, "", "delete", "pod", "--namespace", r.target, "--selector", "app=node-monitor", "--wait")
		if said := r.events(ctx); !strings.Contains(said, `volumes with the prefix "pcp-" are the injector's`) {
			return errors.New(said)
		}
		return nil
	})
}

// askByWebhook installs a webhook that annotates every pod of the target's namespace. It returns how to remove it.
func (r *release) askByWebhook(name string) (remove func()) {
	r.t.Helper()
	return r.patchByWebhook(name, func(pod string) string {
		if strings.Contains(pod, `"pcp.io/inject"`) {
			return ""
		}
		return `[{"op": "add", "path": "/metadata/annotations", "value": {"pcp.io/inject": "true"}}]`
	})
}

// patchByWebhook installs a webhook that patches every new pod of the target's namespace, by the URL of this process. It returns how to
// remove it.
func (r *release) patchByWebhook(name string, patch func(pod string) string) (remove func()) {
	r.t.Helper()
	authority, err := cluster.NewAuthority(name)
	if err != nil {
		r.t.Fatal(err)
	}
	certificate, err := authority.ServingCertificate("localhost")
	if err != nil {
		r.t.Fatal(err)
	}
	pair, err := tls.X509KeyPair(certificate.Cert, certificate.Key)
	if err != nil {
		r.t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answerWith(patch, w, r) }))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS13}
	server.StartTLS()
	r.t.Cleanup(server.Close)
	_, port, _ := strings.Cut(server.Listener.Addr().String(), ":")
	configuration := cluster.Webhook{Name: name, CABundle: authority.PEM(), Adjust: func(w *admissionregistrationv1.MutatingWebhook) {
		url := fmt.Sprintf("https://localhost:%s/", port)
		w.ClientConfig.Service, w.ClientConfig.URL = nil, &url
		w.NamespaceSelector = &metav1.LabelSelector{MatchLabels: map[string]string{"kubernetes.io/metadata.name": r.target}}
		w.MatchConditions = nil
	}}.Configuration()
	configurations := plane.Client().AdmissionregistrationV1().MutatingWebhookConfigurations()
	if _, err := configurations.Create(r.t.Context(), configuration, metav1.CreateOptions{}); err != nil {
		r.t.Fatal(err)
	}
	remove = func() { _ = configurations.Delete(context.Background(), name, metav1.DeleteOptions{}) }
	r.t.Cleanup(remove)
	return remove
}

func answerWith(patch func(pod string) string, w http.ResponseWriter, r *http.Request) {
	var review admissionv1.AdmissionReview
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &review)
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	review.Response = &admissionv1.AdmissionResponse{UID: review.Request.UID, Allowed: true}
	if text := patch(string(review.Request.Object.Raw)); text != "" {
		review.Response.PatchType, review.Response.Patch = new(admissionv1.PatchTypeJSONPatch), []byte(text)
	}
	review.Request = nil
	w.Header().Set("Content-Type", "application/json")
	answer, err := json.Marshal(&review)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = w.Write(answer)
}
