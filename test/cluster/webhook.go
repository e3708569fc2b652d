package cluster

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/uuid"
)

// ProbeNamespace is the default for where InstallWebhook tries a webhook out, by dry runs.
const ProbeNamespace = "webhook-probe"

// auditIDHeader lets a client choose the id of its request's audit event.
const auditIDHeader = "Audit-ID"

// Webhook is a mutating webhook for Pods, served on this machine.
type Webhook struct {
	// Name of the configuration and of the webhook in it, in DNS form with at least two dots. The API server calls webhooks in the order of
	// their configurations' names.
	Name string
	// Namespace and Service make the name that the webhook's certificate must be for; see ServerName.
	Namespace, Service string
	// Port on localhost where the webhook listens, and the Path that it serves.
	Port int32
	Path string
	// CABundle is the PEM certificate of the authority that signed the webhook's.
	CABundle []byte
	// ProbeNamespace is where to try the webhook out. If it exists, it must have opted in. Defaults to the constant ProbeNamespace.
	ProbeNamespace string
	// Adjust may change the configuration before it is created: another selector, other match conditions, and so on.
	Adjust func(*admissionregistrationv1.MutatingWebhook)
}

// ServerName is the DNS name that the webhook's certificate must have for the API server.
func (w Webhook) ServerName() string { return w.Service + "." + w.Namespace + ".svc" }

func (w Webhook) probeNamespace() string { return cmp.Or(w.ProbeNamespace, ProbeNamespace) }

// Configuration is what the chart also installs: only Pods that ask for it, in namespaces that have opted in, wait for the webhook, so it
// may fail closed.
func (w Webhook) Configuration() *admissionregistrationv1.MutatingWebhookConfiguration {
	webhook := admissionregistrationv1.MutatingWebhook{
		Name: w.Name,
		ClientConfig: admissionregistrationv1.WebhookClientConfig{
			Service:  &admissionregistrationv1.ServiceReference{Namespace: w.Namespace, Name: w.Service, Path: &w.Path, Port: &w.Port},
			CABundle: w.CABundle,
		},
		Rules: []admissionregistrationv1.RuleWithOperations{{
			Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create},
			Rule: admissionregistrationv1.Rule{
				APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods"}, Scope: new(admissionregistrationv1.NamespacedScope),
			},
		}},
		NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{injectionLabel: injectionEnabled}},
		MatchConditions: []admissionregistrationv1.MatchCondition{{
			Name: "asks-for-injection", Expression: "object.metadata.?annotations[?'pcp.io/inject'].orValue('false') != 'false'",
		}},
		FailurePolicy: new(admissionregistrationv1.Fail), TimeoutSeconds: new(int32(5)),
		ReinvocationPolicy: new(admissionregistrationv1.IfNeededReinvocationPolicy),
		MatchPolicy:        new(admissionregistrationv1.Equivalent), SideEffects: new(admissionregistrationv1.SideEffectClassNone),
		AdmissionReviewVersions: []string{"v1"},
	}
	if w.Adjust != nil {
		w.Adjust(&webhook)
	}
	return &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: w.Name}, Webhooks: []admissionregistrationv1.MutatingWebhook{webhook},
	}
}

// InstallWebhook makes the API server call the webhook, and returns when it does: a new configuration takes a moment to take effect.
// Namespace and Service are created if they do not exist. The API server reaches the webhook through the Service, whose ExternalName is
// localhost, and so verifies its name. The webhook must be running, because it is tried out by dry runs of an annotated Pod in its
// ProbeNamespace. Its answer does not matter.
func (c *Cluster) InstallWebhook(ctx context.Context, webhook Webhook) error {
	if err := c.ensureNamespace(ctx, webhook.Namespace, nil); err != nil {
		return err
	}
	if err := c.ensureNamespace(ctx, webhook.probeNamespace(), map[string]string{injectionLabel: injectionEnabled}); err != nil {
		return err
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: webhook.Service},
		Spec:       corev1.ServiceSpec{Type: corev1.ServiceTypeExternalName, ExternalName: "localhost"},
	}
	if _, err := c.client.CoreV1().Services(webhook.Namespace).Create(ctx, service, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("failed to create the Service of the webhook %s: %w", webhook.Name, err)
	}
	configurations := c.client.AdmissionregistrationV1().MutatingWebhookConfigurations()
	if _, err := configurations.Create(ctx, webhook.Configuration(), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("failed to install the webhook %s: %w", webhook.Name, err)
	}
	return c.Eventually(ctx, fmt.Sprintf("the webhook %s to be called", webhook.Name), func(ctx context.Context) error {
		return c.probeWebhook(ctx, webhook)
	})
}

func (c *Cluster) ensureNamespace(ctx context.Context, name string, labels map[string]string) error {
	err := c.CreateNamespace(ctx, name, labels)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

// probeWebhook succeeds if the API server called the webhook for a Pod that asks for injection. It looks for the audit event, because the
// webhook's answer may leave no trace in the Pod.
func (c *Cluster) probeWebhook(ctx context.Context, webhook Webhook) error {
	pod := &corev1.Pod{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
		ObjectMeta: metav1.ObjectMeta{GenerateName: "probe-", Annotations: map[string]string{"pcp.io/inject": "true"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "probe", Image: "probe"}}},
	}
	id := string(uuid.NewUUID())
	err := c.client.CoreV1().RESTClient().Post().Namespace(webhook.probeNamespace()).Resource("pods").Param("dryRun", metav1.DryRunAll).
		SetHeader(auditIDHeader, id).Body(pod).Do(ctx).Error()
	// This is how the API server reports that it could not call a webhook, unlike a webhook's denial.
	if apierrors.IsInternalError(err) {
		return fmt.Errorf("a dry run failed: %w", err)
	}
	return c.webhookCalled(id, webhook.Name)
}

// webhookCalled looks for the annotations mutation.webhook.admission.k8s.io/round_0_index_N, which name the webhooks called.
func (c *Cluster) webhookCalled(id, name string) error {
	events, err := c.AuditEvents(func(event AuditEvent) bool { return event.AuditID == id })
	if err != nil {
		return err
	}
	for _, event := range events {
		for key, value := range event.Annotations {
			var call struct{ Webhook string }
			if strings.HasPrefix(key, "mutation.webhook.admission.k8s.io/") && json.Unmarshal([]byte(value), &call) == nil && call.Webhook == name {
				return nil
			}
		}
	}
	return errors.New("the API server does not call it yet")
}
