package snapshot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	storagev1 "k8s.io/api/storage/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Reader reads snapshots with the rights of its user.
type Reader struct {
	access  *rest.Config
	client  kubernetes.Interface
	dynamic dynamic.Interface
}

// NewReader makes a Reader for a cluster.
func NewReader(config *rest.Config) (*Reader, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("failed to make a client: %w", err)
	}
	untyped, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("failed to make a client: %w", err)
	}
	return &Reader{config, client, untyped}, nil
}

// Reach asks the API server for its version, and fails if there is none.
func (r *Reader) Reach(ctx context.Context) error {
	if err := r.client.Discovery().RESTClient().Get().AbsPath("/version").Do(ctx).Error(); err != nil {
		return fmt.Errorf("failed to ask for the cluster's version: %w", err)
	}
	return nil
}

const (
	// webhookSuffix ends the names of the chart's webhooks, whatever the release.
	webhookSuffix = ".pcp.io"
	// partOf is the label of all that the chart installs.
	partOf = "app.kubernetes.io/part-of=pcp"
	// MaxPods is how many pods of a namespace are read.
	MaxPods = 500
)

// Names are the names of the objects of a kind, for shell completion.
func (r *Reader) Names(ctx context.Context, kind *Kind, namespace string) ([]string, error) {
	list, err := r.dynamic.Resource(kind.Resource).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: MaxPods})
	if err != nil {
		return nil, fmt.Errorf("failed to list %s: %w", kind.Names[1], err)
	}
	names := make([]string, len(list.Items))
	for n := range list.Items {
		names[n] = list.Items[n].GetName()
	}
	return names, nil
}

// Read takes a snapshot of everything about the subject.
func (r *Reader) Read(ctx context.Context, subject *Subject) *Snapshot {
	s := &Snapshot{Subject: *subject}
	r.readAround(ctx, s, r.readInjector)
	return s
}

// readAround reads everything but the injector, and at the same time what beside reads.
func (r *Reader) readAround(ctx context.Context, s *Snapshot, beside ...func(context.Context, *Snapshot)) {
	var group errgroup.Group
	for _, read := range append(beside,
		r.readUser, r.readNamespace, r.readPolicies, r.readBindings, r.readRight, r.readTrial, r.readClaims, r.readQuotas, r.readRanges, r.readPods,
	) {
		group.Go(func() error {
			read(ctx, s)
			return nil
		})
	}
	_ = group.Wait()
}

func (r *Reader) readUser(ctx context.Context, s *Snapshot) {
	review, err := r.client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if s.User.Err = err; err == nil {
		s.User.Value = review.Status.UserInfo
	}
}

func (r *Reader) readNamespace(ctx context.Context, s *Snapshot) {
	s.Namespace.Value, s.Namespace.Err = r.client.CoreV1().Namespaces().Get(ctx, s.Subject.Namespace, metav1.GetOptions{})
}

func (r *Reader) readPolicies(ctx context.Context, s *Snapshot) {
	list, err := r.client.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
	if s.Policies.Err = err; err == nil {
		s.Policies.Value = list.Items
	}
}

func (r *Reader) readBindings(ctx context.Context, s *Snapshot) {
	list, err := r.client.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().List(ctx, metav1.ListOptions{})
	if s.Bindings.Err = err; err == nil {
		s.Bindings.Value = list.Items
	}
}

func (r *Reader) readRight(ctx context.Context, s *Snapshot) {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: s.Subject.Namespace, Verb: "inject", Group: "pcp.io", Resource: "injections"},
	}}
	answer, err := r.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if s.MayInject.Err = err; err == nil {
		s.MayInject.Value = answer.Status.Allowed
	}
}

// readTrial makes the API server call the webhook as it would for any pod. This shows more than a connection of the user's own would: the
// network between them, the caBundle, and which configuration the webhook runs.
func (r *Reader) readTrial(ctx context.Context, s *Snapshot) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: "kubectl-pcp-", Annotations: map[string]string{mutate.AnnotationInject: "true"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "trial", Image: "kubectl-pcp-trial"}}},
	}
	created, err := r.client.CoreV1().Pods(s.Subject.Namespace).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	switch {
	case err == nil:
		s.Trial.Value.Status = StatusIn(created.Annotations)
	case lacksRight(err):
		s.Trial.Err = err
	default:
		s.Trial.Value.Refusal = err
	}
}

// StatusIn is the webhook's status in a pod's annotations; nil if there is none.
func StatusIn(annotations map[string]string) *mutate.Status {
	text, present := annotations[mutate.AnnotationStatus]
	var status mutate.Status
	if !present || json.Unmarshal([]byte(text), &status) != nil || status.Reason == "" {
		return nil
	}
	return &status
}

// lacksRight distinguishes RBAC's refusal, which comes before admission, from those of admission.
func lacksRight(err error) bool { return cannotCreate(err, "pods") }

func cannotCreate(err error, resource string) bool {
	return strings.Contains(err.Error(), ` cannot create resource "`+resource+`" in API group ""`)
}

func (r *Reader) readClaims(ctx context.Context, s *Snapshot) {
	list, err := r.client.CoreV1().PersistentVolumeClaims(s.Subject.Namespace).List(ctx, metav1.ListOptions{})
	if s.Claims.Err = err; err != nil {
		return
	}
	s.Claims.Value = list.Items
	if slices.ContainsFunc(list.Items, func(claim corev1.PersistentVolumeClaim) bool { return claim.Status.Phase == corev1.ClaimPending }) {
		var classes *storagev1.StorageClassList
		if classes, s.Classes.Err = r.client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{}); s.Classes.Err == nil {
			s.Classes.Value = classes.Items
		}
	}
}

func (r *Reader) readQuotas(ctx context.Context, s *Snapshot) {
	list, err := r.client.CoreV1().ResourceQuotas(s.Subject.Namespace).List(ctx, metav1.ListOptions{})
	if s.Quotas.Err = err; err == nil {
		s.Quotas.Value = list.Items
	}
}

func (r *Reader) readRanges(ctx context.Context, s *Snapshot) {
	list, err := r.client.CoreV1().LimitRanges(s.Subject.Namespace).List(ctx, metav1.ListOptions{})
	if s.Ranges.Err = err; err == nil {
		s.Ranges.Value = list.Items
	}
}

// readPods finds the subject's pods by their owners' names, as the webhook does.
func (r *Reader) readPods(ctx context.Context, s *Snapshot) {
	if !s.Subject.Stored {
		return
	}
	options := metav1.ListOptions{Limit: MaxPods}
	if selector, found, _ := unstructured.NestedStringMap(s.Subject.Object.Object, "spec", "selector", "matchLabels"); found {
		options.LabelSelector = labels.SelectorFromSet(selector).String()
	}
	if s.Subject.IsPod() {
		var pod corev1.Pod
		if s.Pods.Err = runtime.DefaultUnstructuredConverter.FromUnstructured(s.Subject.Object.Object, &pod); s.Pods.Err == nil {
			s.Pods.Value = []corev1.Pod{pod}
		}
		return
	}
	list, err := r.client.CoreV1().Pods(s.Subject.Namespace).List(ctx, options)
	if s.Pods.Err = err; err != nil {
		return
	}
	for n := range list.Items {
		pod := &list.Items[n]
		if pod.DeletionTimestamp == nil && pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed && s.Subject.owns(pod) {
			s.Pods.Value = append(s.Pods.Value, *pod)
		}
	}
}

func (s *Subject) owns(pod *corev1.Pod) bool {
	controller := metav1.GetControllerOf(pod)
	if controller == nil {
		return false
	}
	if s.Kind.Kind == "Deployment" || s.Kind.Kind == "CronJob" {
		return strings.HasPrefix(controller.Name, s.Object.GetName()+"-")
	}
	return controller.UID == s.Object.GetUID()
}

func (r *Reader) readInjector(ctx context.Context, s *Snapshot) {
	list, err := r.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if s.Webhooks.Err = err; err != nil {
		return
	}
	s.Webhooks.Value = injectorsOf(list.Items)
	webhook := s.choose()
	if webhook == nil {
		s.Stray.Value, s.Stray.Err = r.deployments(ctx, metav1.NamespaceAll, partOf)
		return
	}
	s.Injector = &Injector{Webhook: *webhook}
	r.readService(ctx, s.Injector)
}

func injectorsOf(configurations []admissionregistrationv1.MutatingWebhookConfiguration) []Webhook {
	var found []Webhook
	for n := range configurations {
		for m := range configurations[n].Webhooks {
			if webhook := &configurations[n].Webhooks[m]; strings.HasSuffix(webhook.Name, webhookSuffix) {
				found = append(found, Webhook{&configurations[n], webhook})
			}
		}
	}
	slices.SortFunc(found, func(a, b Webhook) int { return cmp.Compare(a.Configuration.Name, b.Configuration.Name) })
	return found
}

// choose returns the webhook that looks after the subject's namespace, or otherwise the first.
func (s *Snapshot) choose() *Webhook {
	for n := range s.Webhooks.Value {
		if TargetNamespace(&s.Webhooks.Value[n]) == s.Subject.Namespace {
			return &s.Webhooks.Value[n]
		}
	}
	if len(s.Webhooks.Value) == 0 {
		return nil
	}
	return &s.Webhooks.Value[0]
}

// TargetNamespace is the one namespace that the webhook's selector names; empty if it names none.
func TargetNamespace(webhook *Webhook) string {
	if webhook.Webhook.NamespaceSelector == nil {
		return ""
	}
	return webhook.Webhook.NamespaceSelector.MatchLabels[corev1.LabelMetadataName]
}

func (r *Reader) readService(ctx context.Context, injector *Injector) {
	called := injector.Webhook.Webhook.ClientConfig.Service
	if called == nil {
		injector.Service.Err = errors.New("the webhook is called by URL")
		return
	}
	injector.Service.Value, injector.Service.Err = r.client.CoreV1().Services(called.Namespace).Get(ctx, called.Name, metav1.GetOptions{})
	slicesOf, err := r.client.DiscoveryV1().EndpointSlices(called.Namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + called.Name})
	if injector.Endpoints.Err = err; err == nil {
		injector.Endpoints.Value = slicesOf.Items
	}
	// The webhook's configuration has the release's labels, even if the Service is gone.
	selector := partOf
	if instance := injector.Webhook.Configuration.Labels["app.kubernetes.io/instance"]; instance != "" {
		selector = "app.kubernetes.io/instance=" + instance
	}
	injector.Deployments.Value, injector.Deployments.Err = r.deployments(ctx, called.Namespace, selector)
	r.readConfig(ctx, called.Namespace, injector)
}

func (r *Reader) deployments(ctx context.Context, namespace, selector string) ([]appsv1.Deployment, error) {
	list, err := r.client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
	if err != nil {
		return nil, err //nolint:wrapcheck //nolint:wrapcheck // whatever shows it says what was read
	}
	return list.Items, nil
}

// readConfig reads the ConfigMap that the Deployment mounts or, without a Deployment, the one named like the Service, as in the chart.
func (r *Reader) readConfig(ctx context.Context, namespace string, injector *Injector) {
	name := injector.Webhook.Webhook.ClientConfig.Service.Name
	if deployment := injector.Deployment(); deployment != nil {
		for _, volume := range deployment.Spec.Template.Spec.Volumes {
			if volume.Name == "config" && volume.ConfigMap != nil {
				name = volume.ConfigMap.Name
			}
		}
	}
	injector.Config.Value, injector.Config.Err = r.client.CoreV1().ConfigMaps(namespace).Get(ctx, name, metav1.GetOptions{})
}

// Deployment whose pods serve the webhook; nil if none is known.
func (i *Injector) Deployment() *appsv1.Deployment {
	for n := range i.Deployments.Value {
		deployment := &i.Deployments.Value[n]
		for _, container := range deployment.Spec.Template.Spec.Containers {
			if container.Name == "webhook" {
				return deployment
			}
		}
	}
	return nil
}
