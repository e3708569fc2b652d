package snapshot

import (
	"context"
	"errors"
	"fmt"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Rehearsal is what the API server would make of the subject's pod.
type Rehearsal struct {
	// Without PCP, and With it, both after admission.
	Without, With *unstructured.Unstructured
	// Creator in whose name the pod was sent; empty for the user's own.
	Creator string
}

// Rehearse sends the subject's pod to the API server in dry runs: once as it is, and once declining PCP. A controller's pods are sent in
// the name of the controller, which the injector trusts. That needs the right to impersonate it.
func (r *Reader) Rehearse(ctx context.Context, access *rest.Config, subject *Subject) (*Rehearsal, error) {
	rehearsal := &Rehearsal{}
	access = rest.CopyConfig(access)
	if !subject.IsPod() {
		rehearsal.Creator = r.creatorFor(ctx, subject)
		if err := r.impersonate(ctx, access, rehearsal.Creator); err != nil {
			return nil, err
		}
	}
	client, err := dynamic.NewForConfig(access)
	if err != nil {
		return nil, fmt.Errorf("failed to make a client: %w", err)
	}
	pods := client.Resource(Named(config.KindPod).Resource).Namespace(subject.Namespace)
	options := metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}
	for _, offer := range []struct {
		ask    string
		result **unstructured.Unstructured
	}{{"", &rehearsal.With}, {"false", &rehearsal.Without}} {
		pod, err := offeredPod(subject, offer.ask)
		if err != nil {
			return nil, err
		}
		if *offer.result, err = pods.Create(ctx, pod, options); err != nil {
			return rehearsal, err //nolint:wrapcheck // it is the API server's answer, which is the result
		}
	}
	return rehearsal, nil
}

// impersonate sends requests in the name of the creator. One name takes the place of another, so a user who is impersonated already, as with
// --as, is asked about first: the API server sees only the rights of whoever impersonates.
func (r *Reader) impersonate(ctx context.Context, access *rest.Config, creator string) error {
	if creator == "" {
		return nil // anyone may create the pod
	}
	as := access.Impersonate.UserName
	access.Impersonate = rest.ImpersonationConfig{UserName: creator, Groups: []string{"system:serviceaccounts", "system:serviceaccounts:kube-system", "system:authenticated"}}
	if as == "" {
		return nil
	}
	needs := []authorizationv1.ResourceAttributes{{Verb: "impersonate", Resource: "users", Name: creator}}
	if namespace, name, err := serviceaccount.SplitUsername(creator); err == nil {
		needs[0].Resource, needs[0].Namespace, needs[0].Name = "serviceaccounts", namespace, name
	}
	for _, group := range access.Impersonate.Groups {
		needs = append(needs, authorizationv1.ResourceAttributes{Verb: "impersonate", Resource: "groups", Name: group})
	}
	for n := range needs {
		if err := r.require(ctx, as, &needs[n]); err != nil {
			return err
		}
	}
	return nil
}

// require fails as the API server would if the user lacks the right.
func (r *Reader) require(ctx context.Context, user string, right *authorizationv1.ResourceAttributes) error {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: right}}
	answer, err := r.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("failed to ask whether user %q may impersonate %s %q: %w", user, right.Resource, right.Name, err)
	}
	if !answer.Status.Allowed {
		return apierrors.NewForbidden(schema.GroupResource{Resource: right.Resource}, right.Name, //nolint:wrapcheck // as the API server says it
			fmt.Errorf("user %q cannot impersonate resource %q, as the rehearsal does", user, right.Resource))
	}
	return nil
}

// creatorFor is the first creator that the live configuration trusts, or the default of the kind if that cannot be read.
func (r *Reader) creatorFor(ctx context.Context, subject *Subject) string {
	s := &Snapshot{Subject: *subject}
	r.readInjector(ctx, s)
	if s.Injector != nil && s.Injector.Config.Err == nil {
		cfg, err := s.Injector.ParseConfig()
		if err == nil && string(cfg.Target.Kind) == subject.Kind.Kind && len(cfg.Target.TrustedCreators) > 0 {
			return cfg.Target.TrustedCreators[0]
		}
	}
	cfg := config.Default()
	cfg.Target = config.Target{Namespace: subject.Namespace, Kind: config.TargetKind(subject.Kind.Kind), Name: subject.Object.GetName()}
	cfg.Complete()
	if len(cfg.Target.TrustedCreators) > 0 {
		return cfg.Target.TrustedCreators[0]
	}
	return ""
}

// offeredPod is the pod as the subject's controller would send it.
func offeredPod(subject *Subject, ask string) (*unstructured.Unstructured, error) {
	pod := &unstructured.Unstructured{Object: map[string]any{}}
	if err := manifest.Decode(subject.Workload.Template, &pod.Object); err != nil {
		return nil, err
	}
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetNamespace(subject.Namespace)
	pod.SetResourceVersion("")
	if subject.IsPod() {
		if subject.Stored {
			return nil, errors.New("a live pod cannot be rehearsed: name its workload, or give its manifest with -f")
		}
	} else {
		claimPod(pod, subject)
	}
	if ask != "" {
		annotations := pod.GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[mutate.AnnotationInject] = ask
		pod.SetAnnotations(annotations)
	}
	return pod, nil
}

// rehearsed stands for a hash or a number in the names of objects between a workload and its pods.
const rehearsed = "0"

// claimPod makes the pod the controller's, through a ReplicaSet or a Job if there is one between.
func claimPod(pod *unstructured.Unstructured, subject *Subject) {
	owner := metav1.OwnerReference{
		APIVersion: subject.Object.GetAPIVersion(), Kind: subject.Kind.Kind, Name: subject.Object.GetName(), UID: subject.Object.GetUID(), Controller: new(true),
	}
	switch config.TargetKind(subject.Kind.Kind) {
	case config.KindDeployment:
		owner.Kind, owner.Name = "ReplicaSet", owner.Name+"-"+rehearsed
		labels := pod.GetLabels()
		if labels == nil {
			labels = map[string]string{}
		}
		labels["pod-template-hash"] = rehearsed
		pod.SetLabels(labels)
	case config.KindCronJob:
		owner.Kind, owner.Name = "Job", owner.Name+"-"+rehearsed
	default:
	}
	if owner.UID == "" {
		owner.UID = "00000000-0000-0000-0000-000000000000" // of an object that does not exist yet
	}
	pod.SetName(owner.Name + "-rehearsal")
	pod.SetOwnerReferences([]metav1.OwnerReference{owner})
}
