// Package snapshot is what can be read from a cluster about one object that may ask for PCP: the object, its namespace, the injector that
// would answer, and everything else that has a say. What could not be read is part of it.
package snapshot

import (
	"fmt"
	"regexp"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Read is what was read of one kind, or why it was not.
type Read[T any] struct {
	Value T
	Err   error
}

// Missing reports whether the object does not exist.
func (r *Read[T]) Missing() bool { return apierrors.IsNotFound(r.Err) }

// queries matches the queries of URLs, because that of an exec contains the whole script.
var queries = regexp.MustCompile(`((?:http|ws)s?://[^\s"?]+)\?[^\s"]*`)

// Unseen says why the content is not known; empty if it is.
func (r *Read[T]) Unseen() string {
	switch {
	case r.Err == nil || r.Missing():
		return ""
	case apierrors.IsForbidden(r.Err):
		return "unknown, because you lack a right: " + r.Err.Error()
	default:
		return "unknown, because it could not be read: " + queries.ReplaceAllString(r.Err.Error(), "$1")
	}
}

// Snapshot of a cluster.
type Snapshot struct {
	Subject   Subject
	User      Read[authenticationv1.UserInfo]
	Namespace Read[*corev1.Namespace]
	Webhooks  Read[[]Webhook]
	// Stray are Deployments of injectors, read only if no webhook calls any.
	Stray    Read[[]appsv1.Deployment]
	Policies Read[[]admissionregistrationv1.ValidatingAdmissionPolicy]
	Bindings Read[[]admissionregistrationv1.ValidatingAdmissionPolicyBinding]
	// MayInject reports whether the user has the verb inject on injections.pcp.io in the namespace.
	MayInject Read[bool]
	// Injector is nil if no webhook is known.
	Injector *Injector
	// Trial is the result for a pod that asks for PCP in a dry run.
	Trial  Read[Trial]
	Claims Read[[]corev1.PersistentVolumeClaim]
	// Classes are read only if a claim is pending.
	Classes Read[[]storagev1.StorageClass]
	Quotas  Read[[]corev1.ResourceQuota]
	Ranges  Read[[]corev1.LimitRange]
	// Pods of the subject.
	Pods Read[[]corev1.Pod]
}

// Webhook is one that calls an injector, with the configuration that contains it.
type Webhook struct {
	Configuration *admissionregistrationv1.MutatingWebhookConfiguration
	Webhook       *admissionregistrationv1.MutatingWebhook
}

// Injector is what is behind the webhook that looks after the namespace.
type Injector struct {
	Webhook   Webhook
	Service   Read[*corev1.Service]
	Endpoints Read[[]discoveryv1.EndpointSlice]
	// Deployments with the labels that the Service selects.
	Deployments Read[[]appsv1.Deployment]
	// Config is the ConfigMap that the Deployment mounts.
	Config Read[*corev1.ConfigMap]
}

// Trial is a dry run of a pod that asks for PCP.
type Trial struct {
	// Status that the webhook wrote; nil if it wrote none.
	Status *mutate.Status
	// Refusal of the API server; nil if it would have created the pod.
	Refusal error
}

// Subject is the object that is examined.
type Subject struct {
	// Argument is how it was named: deployment/node-monitor.
	Argument  string
	Namespace string
	// Kind is its row in the table of kinds.
	Kind *Kind
	// Object itself.
	Object *unstructured.Unstructured
	// Workload is the object's pod template and what goes with it. For a pod, it is the pod.
	Workload manifest.Workload
	// Owner is the topmost workload, which for a pod may be a Deployment.
	Owner mutate.Owner
	// OwnerObject is nil if the pod has none, or it could not be read.
	OwnerObject *unstructured.Unstructured
	// Stored is false for an object from a file.
	Stored bool
	// File that it is from; empty for one from the cluster.
	File string
}

// IsPod reports whether the subject is a pod, not a pod template.
func (s *Subject) IsPod() bool { return s.Kind.Kind == "Pod" }

// OwnerUnseen reports whether a pod claims to belong to a workload that could not be found: anyone who may patch the pod can make one up.
func (s *Subject) OwnerUnseen() bool {
	return s.IsPod() && s.OwnerObject == nil && metav1.GetControllerOf(s.Object) != nil
}

// Replacer is the workload that replaces the subject's pods when it is restarted, as KIND/NAME; empty if none does, or it could not be
// found.
func (s *Subject) Replacer() string {
	if s.OwnerUnseen() {
		return ""
	}
	switch config.TargetKind(s.Owner.Kind) {
	case config.KindDeployment, config.KindStatefulSet, config.KindDaemonSet:
		return s.OwnerArgument()
	default:
		return ""
	}
}

// OwnerArgument is the owner in kubectl's words.
func (s *Subject) OwnerArgument() string {
	if kind := Named(config.TargetKind(s.Owner.Kind)); kind != nil {
		return fmt.Sprintf("%s/%s", kind.Names[0], s.Owner.Name)
	}
	return fmt.Sprintf("%s/%s", s.Owner.Kind, s.Owner.Name)
}
