package snapshot

import (
	"context"
	"fmt"
	"slices"
	"sync"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// Plan is an installation that is still to come.
type Plan struct {
	// Release that Helm is going to install.
	Release Release
	// Target is the namespace of the target.
	Target string
	// Pod with PCP, as it will be created there.
	Pod *corev1.Pod
	// NewNamespace is what Helm creates for the target; nil if the namespace has to be there.
	NewNamespace *corev1.Namespace
	// CertManager: the webhook's certificate comes from it.
	CertManager bool
	// Rights that the installation takes.
	Rights []Right
}

// Preflight is what can be read of a cluster before an installation.
type Preflight struct {
	Plan
	// Version of Kubernetes, such as v1.37.2.
	Version Read[string]
	// Lacked are the rights that the user lacks.
	Lacked    Read[[]Right]
	Namespace Read[*corev1.Namespace]
	Claims    Read[[]corev1.PersistentVolumeClaim]
	Classes   Read[[]storagev1.StorageClass]
	// Issuer is the result of a dry run that creates one, which takes cert-manager's API and its webhook.
	Issuer Read[bool]
	// Managers are the Deployments of cert-manager, found by the labels of its chart.
	Managers Read[[]appsv1.Deployment]
	// Releases that are there, by the namespaces that they look after.
	Releases Read[map[string]Release]
	// State is that of a release of this name, as Helm stores it; empty if there is none.
	State Read[string]
	// NamespaceTrial and PodTrial are the API server's refusals in dry runs. Err is why a dry run says nothing.
	NamespaceTrial, PodTrial Read[error]
}

// ReadPreflight reads it with the user's rights, and creates objects in dry runs only.
func (r *Reader) ReadPreflight(ctx context.Context, plan *Plan) (*Preflight, error) {
	p := &Preflight{Plan: *plan}
	version, err := r.client.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("failed to ask for the cluster's version: %w", err)
	}
	p.Version.Value = version.GitVersion
	var group errgroup.Group
	for _, read := range []func(context.Context, *Preflight){
		r.readLacked, r.readTargetNamespace, r.readStorage, r.readCertManager, r.readReleases, r.readState, r.tryNamespace, r.tryPod,
	} {
		group.Go(func() error {
			read(ctx, p)
			return nil
		})
	}
	return p, group.Wait()
}

// readLacked asks for all verbs of a resource at once, which administrators have, and for each of them only if that is denied.
func (r *Reader) readLacked(ctx context.Context, p *Preflight) {
	var group errgroup.Group
	group.SetLimit(askedAtOnce)
	var lock sync.Mutex
	for n := range p.Rights {
		group.Go(func() error {
			lacked, err := r.lacked(ctx, &p.Rights[n])
			lock.Lock()
			defer lock.Unlock()
			if len(lacked.Verbs) > 0 {
				p.Lacked.Value = append(p.Lacked.Value, lacked)
			}
			return err
		})
	}
	p.Lacked.Err = group.Wait()
	order := func(right Right) int {
		return slices.IndexFunc(p.Rights, func(other Right) bool {
			return other.Resource == right.Resource && other.Group == right.Group && other.Namespace == right.Namespace
		})
	}
	slices.SortFunc(p.Lacked.Value, func(a, b Right) int { return order(a) - order(b) })
}

func (r *Reader) lacked(ctx context.Context, right *Right) (Right, error) {
	lacked := *right
	lacked.Verbs = nil
	for _, verb := range append([]string{"*"}, right.Verbs...) {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: right.Namespace, Verb: verb, Group: right.Group, Resource: right.Resource},
		}}
		answer, err := r.client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
		switch {
		case err != nil:
			return lacked, fmt.Errorf("failed to ask for your rights: %w", err)
		case verb == "*" && answer.Status.Allowed:
			return lacked, nil
		case verb != "*" && !answer.Status.Allowed:
			lacked.Verbs = append(lacked.Verbs, verb)
		}
	}
	return lacked, nil
}

func (r *Reader) readTargetNamespace(ctx context.Context, p *Preflight) {
	p.Namespace.Value, p.Namespace.Err = r.client.CoreV1().Namespaces().Get(ctx, p.Target, metav1.GetOptions{})
}

func (r *Reader) readStorage(ctx context.Context, p *Preflight) {
	claims, err := r.client.CoreV1().PersistentVolumeClaims(p.Target).List(ctx, metav1.ListOptions{Limit: MaxPods})
	if p.Claims.Err = err; err == nil {
		p.Claims.Value = claims.Items
	}
	classes, err := r.client.StorageV1().StorageClasses().List(ctx, metav1.ListOptions{Limit: MaxPods})
	if p.Classes.Err = err; err == nil {
		p.Classes.Value = classes.Items
	}
}

// readCertManager has an Issuer created in a dry run, in a namespace that is there.
func (r *Reader) readCertManager(ctx context.Context, p *Preflight) {
	if !p.CertManager {
		return
	}
	issuer := &cmapi.Issuer{
		TypeMeta:   metav1.TypeMeta{APIVersion: cmapi.SchemeGroupVersion.String(), Kind: cmapi.IssuerKind},
		ObjectMeta: metav1.ObjectMeta{GenerateName: "kubectl-pcp-"},
		Spec:       cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}},
	}
	namespace := p.Release.Namespace
	if !r.NamespaceExists(ctx, namespace) {
		namespace = metav1.NamespaceDefault
	}
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(issuer)
	if err == nil {
		_, err = r.dynamic.Resource(cmapi.SchemeGroupVersion.WithResource("issuers")).Namespace(namespace).
			Create(ctx, &unstructured.Unstructured{Object: object}, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	}
	p.Issuer.Err = err
	list, err := r.client.AppsV1().Deployments(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		LabelSelector: "app.kubernetes.io/name in (cert-manager,cainjector,webhook),app.kubernetes.io/component in (controller,cainjector,webhook)",
	})
	if p.Managers.Err = err; err == nil {
		p.Managers.Value = list.Items
	}
}

func (r *Reader) readReleases(ctx context.Context, p *Preflight) {
	_, p.Releases.Value, p.Releases.Err = r.Namespaces(ctx)
}

// readState reads the state of the newest revision, which Helm keeps in a label of its Secret.
func (r *Reader) readState(ctx context.Context, p *Preflight) {
	list, err := r.client.CoreV1().Secrets(p.Release.Namespace).List(ctx, metav1.ListOptions{LabelSelector: "owner=helm,name=" + p.Release.Name, Limit: MaxPods})
	if p.State.Err = err; err != nil {
		return
	}
	newest := slices.MaxFunc(append(list.Items, corev1.Secret{}), func(a, b corev1.Secret) int { return a.CreationTimestamp.Compare(b.CreationTimestamp.Time) })
	p.State.Value = newest.Labels["status"]
}

func (r *Reader) tryNamespace(ctx context.Context, p *Preflight) {
	if p.NewNamespace == nil || r.NamespaceExists(ctx, p.Target) {
		return
	}
	_, err := r.client.CoreV1().Namespaces().Create(ctx, p.NewNamespace, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	p.NamespaceTrial = tried(err, "namespaces")
}

func (r *Reader) tryPod(ctx context.Context, p *Preflight) {
	_, err := r.client.CoreV1().Pods(p.Target).Create(ctx, p.Pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	p.PodTrial = tried(err, "pods")
}

// tried distinguishes a refusal by admission from reasons for which nothing was tried.
func tried(err error, resource string) Read[error] {
	if apierrors.IsNotFound(err) || err != nil && cannotCreate(err, resource) {
		return Read[error]{Err: err}
	}
	return Read[error]{Value: err}
}
