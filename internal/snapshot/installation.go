package snapshot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Installation is what can be read about the release that looks after a namespace, and about what it looks after.
type Installation struct {
	// Snapshot of the target. Without a target, its subject is what the target would be.
	*Snapshot
	// Target is nil if the configuration is not known.
	Target *config.Target
	// Kind of the target, nil where the cluster has none, or it is not known.
	Kind *Kind
	// Workload is the target itself. Its error may be ErrNoKind or ErrNoTemplate.
	Workload Read[*Subject]
	// Budgets of the release's namespace.
	Budgets Read[[]policyv1.PodDisruptionBudget]
	// Networks are the NetworkPolicies of the target's namespace.
	Networks Read[[]networkingv1.NetworkPolicy]
	// Authority is nil if cert-manager has nothing to do with the webhook.
	Authority *Authority
	// Live are the pods with PCP. Its Config is nil if that is not known.
	Live Read[*Live]
	// PCP of the live pods, read by ReadPCP.
	PCP []PCP
}

const (
	// TargetLabel is on the guard's policies, with the namespace that their release looks after.
	TargetLabel = "pcp.io/target-namespace"
	// UnansweredSuffix ends the name of the policy that is deleted with the webhook. Others outlive their release.
	UnansweredSuffix = ".unanswered"
)

// Namespaces are those that releases look after, found by their webhooks, and by the guards of those whose webhook is gone; none if the
// user may read neither. releases are those releases, by the namespaces that they look after.
func (r *Reader) Namespaces(ctx context.Context) (namespaces []string, releases map[string]Release, err error) {
	releases = map[string]Release{}
	webhooks, err := r.client.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	switch {
	case apierrors.IsForbidden(err):
	case err != nil:
		return nil, nil, fmt.Errorf("failed to find the injectors: %w", err)
	default:
		for _, webhook := range injectorsOf(webhooks.Items) {
			releases[TargetNamespace(&webhook)] = (&Injector{Webhook: webhook}).Release()
		}
	}
	policies, err := r.client.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(ctx, metav1.ListOptions{LabelSelector: TargetLabel})
	switch {
	case apierrors.IsForbidden(err):
	case err != nil:
		return nil, nil, fmt.Errorf("failed to find the injectors: %w", err)
	default:
		addLost(releases, policies.Items)
	}
	for namespace := range releases {
		if namespace != "" {
			namespaces = append(namespaces, namespace)
		}
	}
	slices.Sort(namespaces)
	return namespaces, releases, nil
}

func addLost(releases map[string]Release, policies []admissionregistrationv1.ValidatingAdmissionPolicy) {
	for n := range policies {
		namespace := policies[n].Labels[TargetLabel]
		if _, known := releases[namespace]; known || !strings.HasSuffix(policies[n].Name, UnansweredSuffix) {
			continue
		}
		if parts := strings.Split(policies[n].Name, "."); len(parts) > 1 {
			releases[namespace] = ReleaseOf(&metav1.ObjectMeta{Labels: policies[n].Labels, Namespace: parts[1]})
		}
	}
}

// NamespaceExists is false only where the API server says so.
func (r *Reader) NamespaceExists(ctx context.Context, name string) bool {
	_, err := r.client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	return !apierrors.IsNotFound(err)
}

// ReadInstallation reads everything about the release that looks after the namespace.
func (r *Reader) ReadInstallation(ctx context.Context, namespace string) (*Installation, error) {
	in := &Installation{Snapshot: &Snapshot{Subject: Subject{Namespace: namespace}}}
	r.readInjector(ctx, in.Snapshot)
	live := &Live{Namespace: namespace}
	if in.Injector != nil && in.Injector.Config.Err == nil {
		if cfg, err := in.Injector.ParseConfig(); err == nil && cfg.Target.Namespace == namespace {
			live.Config, in.Target = cfg, &cfg.Target
		}
	}
	in.Live.Value, in.Live.Err = live, r.readLivePods(ctx, live)
	if err := r.readTarget(ctx, in); err != nil {
		return nil, err
	}
	var group errgroup.Group
	group.Go(func() error { r.readAround(ctx, in.Snapshot); return nil })
	group.Go(func() error { r.readNetworks(ctx, in); return nil })
	if in.Injector != nil {
		group.Go(func() error { r.readBudgets(ctx, in); return nil })
		group.Go(func() error { r.readAuthority(ctx, in); return nil })
	}
	return in, group.Wait()
}

// readTarget finds the subject: the target, or otherwise the workload of a pod that has PCP, or a stand-in for them.
func (r *Reader) readTarget(ctx context.Context, in *Installation) (err error) {
	namespace := in.Subject.Namespace
	subject := &in.Subject
	if in.Target != nil {
		if in.Kind, in.Workload.Value, in.Workload.Err = r.findTarget(ctx, in); in.Workload.Err == nil {
			*subject = *in.Workload.Value
			return nil
		}
		*subject, err = standIn(in.Target.Kind, namespace, in.Target.Name)
		return err
	}
	if pods := in.Live.Value.Pods; len(pods) > 0 {
		owner := pods[0].Subject
		if kind := Named(config.TargetKind(owner.Owner.Kind)); kind != nil {
			if found, err := r.FindSubject(ctx, kind, namespace, owner.Owner.Name); err == nil {
				*subject = *found
				return nil
			}
		}
	}
	*subject, err = standIn(config.KindPod, namespace, "any")
	return err
}

// standIn is a workload that asks for PCP and has nothing in it that PCP could clash with.
func standIn(kind config.TargetKind, namespace, name string) (Subject, error) {
	known, row := config.KnownKind(kind), Named(kind)
	if known == nil {
		known, row = config.KnownKind(config.KindPod), Named(config.KindPod)
	}
	pod := map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{mutate.AnnotationInject: "true"}},
		"spec":     map[string]any{"containers": []any{map[string]any{"name": "app", "image": "app"}}},
	}
	object := pod
	for _, step := range slices.Backward(known.TemplatePath()) {
		object = map[string]any{step: object}
	}
	if kind == config.KindDeployment {
		_ = unstructured.SetNestedField(object, "Recreate", "spec", "strategy", "type")
	}
	stand := &unstructured.Unstructured{Object: object}
	stand.SetGroupVersionKind(row.Resource.GroupVersion().WithKind(row.Kind))
	stand.SetName(name)
	subject, err := newSubject(stand, row, namespace)
	if err != nil {
		return Subject{}, err
	}
	return *subject, nil
}

func (r *Reader) readBudgets(ctx context.Context, in *Installation) {
	namespace := in.Injector.Namespace()
	if namespace == "" {
		return
	}
	list, err := r.client.PolicyV1().PodDisruptionBudgets(namespace).List(ctx, metav1.ListOptions{})
	if in.Budgets.Err = err; err == nil {
		in.Budgets.Value = list.Items
	}
}

func (r *Reader) readNetworks(ctx context.Context, in *Installation) {
	list, err := r.client.NetworkingV1().NetworkPolicies(in.Subject.Namespace).List(ctx, metav1.ListOptions{})
	if in.Networks.Err = err; err == nil {
		in.Networks.Value = list.Items
	}
}

// Namespace of the release; empty if the webhook is called by URL.
func (i *Injector) Namespace() string {
	if service := i.Webhook.Webhook.ClientConfig.Service; service != nil {
		return service.Namespace
	}
	return ""
}
