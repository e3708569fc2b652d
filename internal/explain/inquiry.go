package explain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"

	"github.com/performancecopilot/pcp-injector/internal/admission"
	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// inquiry is a snapshot, and what several gates derive from it.
type inquiry struct {
	*snapshot.Snapshot
	// pod as its creator would send it, and the part of it that the injector looks at.
	pod  *unstructured.Unstructured
	view *mutate.Pod
	// lost is what is left of the release that looks after the namespace, if its webhook is gone.
	lost *admissionregistrationv1.ValidatingAdmissionPolicy
	// misses are why the webhook would not be called.
	misses   []admission.Miss
	missErr  error
	config   *config.InjectorConfig
	injector *mutate.Injector
	// configErr is why the injector's decision is not known.
	configErr error
	// decision about the pod. If it does not ask, the decision is as if it did, to show what else is in its way.
	decision *mutate.Decision
	// injected is the pod with PCP; nil if it would get none.
	injected *unstructured.Unstructured
	// further are what the gate that is examined has found beside its finding.
	further []finding
	// failures are the names of the gates that have failed.
	failures []string
}

func newInquiry(ctx context.Context, s *snapshot.Snapshot) (*inquiry, error) {
	q := &inquiry{Snapshot: s}
	if err := q.makePod(); err != nil {
		return nil, err
	}
	if q.Webhooks.Err == nil {
		q.findLost()
	}
	q.findMisses(ctx)
	q.config, q.injector, q.configErr = q.loadConfig()
	if q.injector != nil {
		err := q.decide()
		return q, err
	}
	return q, nil
}

// makePod removes from a live pod what the injector added, to examine it as if it were created anew.
func (q *inquiry) makePod() error {
	template := q.Subject.Workload.Template
	var view mutate.Pod
	if err := manifest.Decode(template, &view); err != nil {
		return fmt.Errorf("%s: %w", q.Subject.Argument, err)
	}
	if q.Subject.IsPod() && q.Subject.Stored && isInjected(view.Metadata.Annotations) {
		removal, err := mutate.Uninject(&view)
		if err == nil {
			template, err = manifest.ApplyJSON(template, removal)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", q.Subject.Argument, err)
		}
	}
	q.view = &mutate.Pod{}
	if err := manifest.Decode(template, q.view); err != nil {
		return fmt.Errorf("%s: %w", q.Subject.Argument, err)
	}
	pod, err := asPod(template, &q.Subject)
	q.pod = pod
	return err
}

func isInjected(annotations map[string]string) bool {
	status := snapshot.StatusIn(annotations)
	return status != nil && status.Reason == mutate.ReasonInjected
}

// asPod makes a pod from a template.
func asPod(template json.RawMessage, subject *snapshot.Subject) (*unstructured.Unstructured, error) {
	pod := &unstructured.Unstructured{Object: map[string]any{}}
	if err := manifest.Decode(template, &pod.Object); err != nil {
		return nil, fmt.Errorf("%s: %w", subject.Argument, err)
	}
	pod.SetAPIVersion("v1")
	pod.SetKind("Pod")
	pod.SetNamespace(subject.Namespace)
	if !subject.IsPod() {
		pod.SetGenerateName(subject.Object.GetName() + "-")
	}
	unstructured.RemoveNestedField(pod.Object, "status")
	return pod, nil
}

// creation is the request that creates the object.
func (q *inquiry) creation(object *unstructured.Unstructured, resource schema.GroupVersionResource, creator user.Info) *admission.Request {
	return &admission.Request{Object: object, Resource: resource, Namespace: q.Namespace.Value, User: creator, Rights: q.rights()}
}

var pods = schema.GroupVersionResource{Version: "v1", Resource: "pods"}

func (q *inquiry) findMisses(ctx context.Context) {
	switch {
	case q.Injector == nil:
		q.missErr = errors.New("unknown, because no webhook of pcp-injector was found")
	case q.Namespace.Err != nil:
		q.missErr = errors.New("unknown, because the namespace could not be read")
	default:
		q.misses, q.missErr = q.creation(q.pod, pods, q.creator()).Misses(ctx, q.Injector.Webhook.Webhook)
	}
}

// creator is who creates the pod: the user for a bare pod, otherwise a controller.
func (q *inquiry) creator() user.Info {
	if q.Subject.Owner.Kind == "Pod" {
		return q.user()
	}
	name := "system:serviceaccount:kube-system:replicaset-controller"
	if q.config != nil && len(q.config.Target.TrustedCreators) > 0 {
		name = q.config.Target.TrustedCreators[0]
	}
	return &user.DefaultInfo{Name: name, Groups: []string{"system:serviceaccounts", "system:authenticated"}}
}

func (q *inquiry) user() user.Info {
	info := q.User.Value
	return &user.DefaultInfo{Name: info.Username, UID: info.UID, Groups: info.Groups}
}

// notAsked is in the error of everything that depends on a right that the snapshot does not have.
const notAsked = "was not asked"

// rights are the user's rights, as far as the snapshot has them.
func (q *inquiry) rights() authorizer.UnconditionalAuthorizer {
	return authorizer.AuthorizerFunc(func(_ context.Context, a authorizer.Attributes) (authorizer.Decision, string, error) {
		if a.GetAPIGroup() != "pcp.io" || a.GetResource() != "injections" || a.GetVerb() != "inject" || q.MayInject.Err != nil {
			return authorizer.DecisionNoOpinion, "", fmt.Errorf("whether %q may %s %s "+notAsked, a.GetUser().GetName(), a.GetVerb(), a.GetResource())
		}
		if a.GetUser().GetName() == q.User.Value.Username && q.MayInject.Value {
			return authorizer.DecisionAllow, "", nil
		}
		return authorizer.DecisionNoOpinion, "", nil
	})
}

// loadConfig reads the live configuration as the webhook does when it starts.
func (q *inquiry) loadConfig() (*config.InjectorConfig, *mutate.Injector, error) {
	if q.Injector == nil {
		return nil, nil, errors.New("unknown, because no webhook of pcp-injector was found")
	}
	if q.Injector.Config.Err != nil {
		return nil, nil, errors.New("unknown, because the injector's configuration is unknown")
	}
	cfg, err := q.Injector.ParseConfig()
	if err != nil {
		return nil, nil, err
	}
	injector, err := mutate.New(cfg, "")
	return cfg, injector, err
}

func (q *inquiry) decide() error {
	view, pod := q.asking()
	request := mutate.Request{Namespace: q.Subject.Namespace, Pod: view, Username: q.creator().GetName()}
	if !q.Subject.IsPod() {
		request.Owner = &q.Subject.Owner
	}
	decision := q.injector.Decide(request)
	q.decision = &decision
	if decision.Reason != mutate.ReasonInjected && decision.Reason != mutate.ReasonAlreadyInjected {
		return nil
	}
	data, err := json.Marshal(pod)
	if err != nil {
		return fmt.Errorf("failed to encode the pod: %w", err)
	}
	patched, err := manifest.ApplyJSON(data, decision.Patch)
	if err != nil {
		return err
	}
	q.injected, err = asPod(patched, &q.Subject)
	return err
}

// asks reports whether the pod has the annotation that asks for PCP.
func (q *inquiry) asks() bool { return q.view.Metadata.Annotations[mutate.AnnotationInject] == "true" }

// asking is the pod as if it asked, without what askFor removes.
func (q *inquiry) asking() (*mutate.Pod, *unstructured.Unstructured) {
	if q.asks() {
		return q.view, q.pod
	}
	annotations := maps.Clone(q.view.Metadata.Annotations)
	if annotations == nil {
		annotations = map[string]string{}
	}
	for _, typo := range q.typos() {
		delete(annotations, typo)
	}
	annotations[mutate.AnnotationInject] = "true"
	view, pod := *q.view, q.pod.DeepCopy()
	view.Metadata.Annotations = annotations
	pod.SetAnnotations(annotations)
	return &view, pod
}

// typos are annotations that are meant to ask, and that the injector would refuse as unknown.
func (q *inquiry) typos() []string {
	return mutate.MisspelledRequests(maps.Keys(q.view.Metadata.Annotations))
}

// typedPod is the pod with PCP.
func (q *inquiry) typedPod() (*corev1.Pod, error) {
	data, err := json.Marshal(q.injected)
	if err != nil {
		return nil, fmt.Errorf("failed to encode the pod: %w", err)
	}
	var pod corev1.Pod
	if err := json.Unmarshal(data, &pod); err != nil {
		return nil, fmt.Errorf("failed to decode the pod: %w", err)
	}
	return &pod, nil
}
