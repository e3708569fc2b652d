package explain

import (
	"context"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"

	"github.com/performancecopilot/pcp-injector/internal/admission"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

// The gates of what validates the pod with PCP in it: policies and Pod Security.

func (q *inquiry) policiesGate(ctx context.Context) finding {
	for _, why := range []string{q.Policies.Unseen(), q.Bindings.Unseen(), q.Namespace.Unseen(), q.User.Unseen()} {
		if why != "" {
			return unknown("%s", why)
		}
	}
	if q.Namespace.Err != nil {
		return unknown("unknown, because the namespace could not be read")
	}
	all := &admission.Policies{Policies: q.Policies.Value, Bindings: q.Bindings.Value}
	var denials []admission.Denial
	var problems []string
	for _, request := range q.creations() {
		found, err := request.Denials(ctx, all)
		denials = append(denials, found...)
		if err != nil {
			problems = append(problems, err.Error())
		}
	}
	switch {
	case len(denials) > 0:
		return failed(q.heed(&denials[0]), "ValidatingAdmissionPolicy %s denies it: %s", denials[0].Policy, denials[0].Message)
	case len(problems) > 0:
		return unknown("unknown, because it cannot be evaluated here: %s", strings.Join(problems, "; "))
	case q.injected == nil:
		return unknown("not examined, because the pod would not be injected")
	default:
		return passed("no ValidatingAdmissionPolicy denies the pod with PCP")
	}
}

// creations are the requests that the policies still decide: the workload's by its user, unless it exists already, and the pod's by its
// creator.
func (q *inquiry) creations() []*admission.Request {
	var requests []*admission.Request
	if !q.Subject.IsPod() && !q.Subject.Stored {
		requests = append(requests, q.creation(q.Subject.Object, q.Subject.Kind.Resource, q.user()))
	}
	if q.injected != nil {
		requests = append(requests, q.creation(q.injected, pods, q.creator()))
	}
	return requests
}

func (q *inquiry) heed(denial *admission.Denial) *remedy.Remedy {
	if strings.Contains(denial.Message, `verb "inject"`) {
		return remedy.GrantInject.With(q.here(), remedy.User.Is(q.User.Value.Username))
	}
	return remedy.HeedPolicy.With(remedy.Name.Is(denial.Policy))
}

func (q *inquiry) podSecurityGate(context.Context) finding {
	switch {
	case q.Namespace.Err != nil:
		return unknown("unknown, because the namespace could not be read")
	case q.injected == nil:
		return q.levelAlone()
	}
	pod, err := q.typedPod()
	if err != nil {
		return unknown("unknown, because the pod cannot be read: %v", err)
	}
	return q.podSecurity(pod)
}

// levelAlone judges by the level if the pod is not known, because PCP's container is privileged in any case.
func (q *inquiry) levelAlone() finding {
	level, err := admission.EnforcedLevel(q.Namespace.Value.Labels)
	switch {
	case err != nil:
		return failed(q.allowPrivileged(), "namespace %s: %v", q.Subject.Namespace, err)
	case level.Level != api.LevelPrivileged:
		return failed(q.allowPrivileged(), "namespace %s enforces %s, and PCP's container is privileged", q.Subject.Namespace, level.String())
	default:
		return passed("the labels of namespace %s allow privileged containers", q.Subject.Namespace)
	}
}

func (q *inquiry) podSecurity(pod *corev1.Pod) finding {
	level, forbidden, err := admission.PodSecurity(q.Namespace.Value.Labels, pod)
	switch {
	case err != nil:
		return failed(q.allowPrivileged(), "namespace %s: %v", q.Subject.Namespace, err)
	case forbidden != "":
		return failed(q.allowPrivileged(), "namespace %s enforces %s, which forbids the pod with PCP: %s", q.Subject.Namespace, level, forbidden)
	}
	return passed("namespace %s enforces %s, which allows the pod with PCP", q.Subject.Namespace, level)
}

func (q *inquiry) allowPrivileged() *remedy.Remedy {
	return remedy.AllowPrivileged.With(q.here())
}
