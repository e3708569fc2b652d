package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/internal/admission"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// The gates of the webhook's registration: whether the API server calls it for the pod at all.

func (q *inquiry) webhookGate(context.Context) finding {
	if why := q.Webhooks.Unseen(); why != "" {
		found := unknown("%s", why)
		found.remedy = q.grant()
		return found
	}
	if q.lost != nil {
		return failed(remedy.Restore.With(valuesOf(snapshot.ReleaseOf(&q.lost.ObjectMeta))...),
			"the MutatingWebhookConfiguration of release %s, which looks after namespace %s, is gone", q.lost.Labels[instanceLabel], q.Subject.Namespace)
	}
	if q.Injector == nil {
		return failed(q.reinstall(), "no MutatingWebhookConfiguration calls pcp-injector%s", q.stray())
	}
	evidence := fmt.Sprintf("MutatingWebhookConfiguration %s", q.Injector.Webhook.Configuration.Name)
	if others := len(q.Webhooks.Value) - 1; others > 0 {
		names := make([]string, 0, others)
		for n := range q.Webhooks.Value {
			if name := q.Webhooks.Value[n].Configuration.Name; name != q.Injector.Webhook.Configuration.Name {
				names = append(names, name)
			}
		}
		evidence += fmt.Sprintf("; other releases look after other namespaces: %s", strings.Join(slices.Compact(names), ", "))
	}
	return passed("%s", evidence)
}

// grant lets the user see the injectors.
func (q *inquiry) grant() *remedy.Remedy {
	return remedy.GrantExplain.With(remedy.User.Is(q.User.Value.Username))
}

const (
	instanceLabel = snapshot.InstanceLabel
	targetLabel   = snapshot.TargetLabel
	unanswered    = snapshot.UnansweredSuffix
)

// findLost finds the release that looks after the namespace by its guard, if its webhook is gone. It stores the release's namespace in the
// object's metadata.
func (q *inquiry) findLost() {
	for n := range q.Webhooks.Value {
		if snapshot.TargetNamespace(&q.Webhooks.Value[n]) == q.Subject.Namespace {
			return
		}
	}
	for n := range q.Policies.Value {
		policy := &q.Policies.Value[n]
		parts := strings.Split(policy.Name, ".")
		if policy.Labels[targetLabel] == q.Subject.Namespace && strings.HasSuffix(policy.Name, unanswered) && len(parts) > 1 {
			q.lost = policy.DeepCopy()
			q.lost.Namespace = parts[1]
			q.Injector = nil
			return
		}
	}
}

// stray names what is left of an installation.
func (q *inquiry) stray() string {
	if len(q.Stray.Value) == 0 {
		return ""
	}
	return fmt.Sprintf(", although Deployment %s in namespace %s is there", q.Stray.Value[0].Name, q.Stray.Value[0].Namespace)
}

// reinstall shows no command for a stray Deployment. Anyone who may create Deployments and Secrets in some namespace can make up a release
// there, and Helm would give the administrator's rights to whatever is in it.
func (q *inquiry) reinstall() *remedy.Remedy {
	if len(q.Stray.Value) == 0 {
		return remedy.Install.With()
	}
	return remedy.WhoseRelease.With()
}

// release is that of the injector.
func (q *inquiry) release() []remedy.Value { return valuesOf(q.Injector.Release()) }

// released is the release, and one of its objects.
func (q *inquiry) released(name string) []remedy.Value {
	return append(q.release(), remedy.Name.Is(name))
}

func valuesOf(release snapshot.Release) []remedy.Value {
	return []remedy.Value{remedy.ReleaseName.Is(release.Name), remedy.InNamespace.Is(release.Namespace)}
}

func (q *inquiry) restoreWebhook() *remedy.Remedy {
	return remedy.RestoreWebhook.With(q.released(q.Injector.Webhook.Configuration.Name)...)
}

func (q *inquiry) missed(stage admission.Stage) *admission.Miss {
	for n := range q.misses {
		if q.misses[n].Stage == stage {
			return &q.misses[n]
		}
	}
	return nil
}

func (q *inquiry) namespaceGate(context.Context) finding {
	namespace := q.Subject.Namespace
	switch {
	case q.Namespace.Missing():
		return failed(remedy.CreateNamespace.With(remedy.InNamespace.Is(namespace)), "namespace %s does not exist", namespace)
	case q.Namespace.Unseen() != "":
		return unknown("%s", q.Namespace.Unseen())
	case q.Injector == nil:
		return unknown("unknown, because no webhook of pcp-injector was found")
	case q.elsewhere() != nil:
		return failed(remedy.OtherRelease.With(),
			"no release looks after namespace %s: %s", namespace, snapshot.Elsewhere(q.elsewhere()))
	case q.missErr == nil && q.missed(admission.StageNamespaceSelector) == nil:
		return passed("namespace %s has opted in", namespace)
	case q.missErr != nil && q.missed(admission.StageNamespaceSelector) == nil:
		return unknown("%v", q.missErr)
	}
	return q.namespaceMissed()
}

func (q *inquiry) namespaceMissed() finding {
	namespace := q.Subject.Namespace
	selector := q.Injector.Webhook.Webhook.NamespaceSelector
	var wanted []string
	for key, value := range selector.MatchLabels {
		if q.Namespace.Value.Labels[key] != value {
			wanted = append(wanted, key+"="+value)
		}
	}
	slices.Sort(wanted)
	if len(wanted) == 0 || wanted[0] != mutate.NamespaceLabel+"="+mutate.NamespaceLabelValue || len(wanted) > 1 {
		return failed(q.restoreWebhook(),
			"namespace %s does not match the webhook's namespaceSelector: %s", namespace, metav1.FormatLabelSelector(selector))
	}
	return failed(remedy.OptIn.With(remedy.InNamespace.Is(namespace)),
		"namespace %s has not opted in: %s", namespace, labelFound(q.Namespace.Value, mutate.NamespaceLabel, mutate.NamespaceLabelValue))
}

func labelFound(namespace *corev1.Namespace, key, wanted string) string {
	if value, present := namespace.Labels[key]; present {
		return fmt.Sprintf("its label %s is %q, and must be %q", key, value, wanted)
	}
	return fmt.Sprintf("it has no label %s", key)
}

// elsewhere are the releases by the namespaces that they look after, if none looks after the subject's; nil if one does, or may.
func (q *inquiry) elsewhere() map[string]snapshot.Release {
	if q.Injector == nil {
		return nil
	}
	releases := map[string]snapshot.Release{}
	for n := range q.Webhooks.Value {
		releases[snapshot.TargetNamespace(&q.Webhooks.Value[n])] = (&snapshot.Injector{Webhook: q.Webhooks.Value[n]}).Release()
	}
	_, own := releases[q.Subject.Namespace]
	if _, every := releases[""]; own || every {
		return nil
	}
	return releases
}

// requestGate checks the annotation, which the injector requires whatever the webhook's configuration says.
func (q *inquiry) requestGate(context.Context) finding {
	value, present := q.view.Metadata.Annotations[mutate.AnnotationInject]
	place := "the pod"
	if !q.Subject.IsPod() {
		place = "the pod template"
	}
	switch {
	case value == "true":
		return passed("%s asks for PCP: %s: \"true\"", place, mutate.AnnotationInject)
	case !present:
		return failed(q.askFor(), "%s", q.notAsked(place))
	case value == "false":
		return failed(q.askFor(), "%s declines PCP: %s: \"false\"", place, mutate.AnnotationInject)
	default:
		return failed(q.askFor(), "%s has %s: %q, which must be \"true\" or \"false\"", place, mutate.AnnotationInject, value)
	}
}

// notAsked finds the annotation that was meant.
func (q *inquiry) notAsked(place string) string {
	if q.misplaced() {
		return fmt.Sprintf("%s is on the %s itself, where it has no effect, not on its pod template", mutate.AnnotationInject, q.Subject.Kind.Kind)
	}
	if typos := q.typos(); len(typos) > 0 {
		return fmt.Sprintf("%s has %s: did you mean %s?", place, typos[0], mutate.AnnotationInject)
	}
	if q.Subject.IsPod() && q.ownerAsks() {
		return fmt.Sprintf("the pod is older than the annotation %s of %s", mutate.AnnotationInject, q.Subject.OwnerArgument())
	}
	return fmt.Sprintf("%s has no annotation %s", place, mutate.AnnotationInject)
}

// rulesGate checks those parts of the registration that no user ever changes: the rules and the selector of objects.
func (q *inquiry) rulesGate(context.Context) finding {
	for _, stage := range []admission.Stage{admission.StageRules, admission.StageObjectSelector} {
		if q.missed(stage) != nil {
			return failed(q.restoreWebhook(),
				"the %s of %s exclude the pod", stage, q.Injector.Webhook.Configuration.Name)
		}
	}
	if q.missErr != nil {
		return unknown("%v", q.missErr)
	}
	return passed("the rules and the objectSelector cover the pod's creation")
}

// conditionsGate evaluates the conditions in force. It passes if one excludes a pod that does not ask, as it should.
func (q *inquiry) conditionsGate(context.Context) finding {
	miss := q.missed(admission.StageMatchConditions)
	switch {
	case miss != nil && miss.Err != nil:
		return q.brokenCondition(miss)
	case miss != nil && q.asks():
		return failed(q.restoreWebhook(),
			"matchCondition %q excludes the pod: %s", miss.Condition.Name, miss.Condition.Expression)
	case q.missErr != nil:
		return unknown("%v", q.missErr)
	case miss != nil:
		return passed("matchCondition %q leaves this pod out, because it does not ask", miss.Condition.Name)
	default:
		return passed("all matchConditions are true for the pod")
	}
}

// brokenCondition is for a condition that cannot be evaluated for the pod.
func (q *inquiry) brokenCondition(miss *admission.Miss) finding {
	if strings.Contains(miss.Err.Error(), notAsked) {
		return unknown("unknown, because matchCondition %q depends on rights: %v", miss.Condition.Name, miss.Err)
	}
	return failed(q.restoreWebhook(),
		"matchCondition %q cannot be evaluated for the pod: %v", miss.Condition.Name, miss.Err)
}
