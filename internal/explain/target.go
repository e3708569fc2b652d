package explain

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/spelling"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// The gates of the injector's own decision, by its own code and the live configuration.

// templatePatch is a merge patch for the metadata of a kind's pods.
func templatePatch(kind, metadata string) string {
	patch := `{"metadata":` + metadata + `}`
	if known := config.KnownKind(config.TargetKind(kind)); known != nil {
		for _, step := range slices.Backward(known.TemplatePath()) {
			patch = `{"` + step + `":` + patch + `}`
		}
	}
	return patch
}

// askFor says how to ask for PCP.
func (q *inquiry) askFor() *gate.Remedy {
	owner, namespace := q.Subject.Owner, q.Subject.Namespace
	switch {
	case q.Subject.IsPod() && q.ownerAsks():
		return q.renew()
	case !q.Subject.Stored || owner.Kind == "Pod" || owner.Kind == "Job":
		return do(fmt.Sprintf("Recreate it with the annotation %s: \"true\" on its pod template, which cannot be changed", mutate.AnnotationInject))
	}
	metadata := `{"annotations":{` + q.withoutTypo() + `"` + mutate.AnnotationInject + `":"true"}}`
	return do("Ask for PCP on the pod template", fmt.Sprintf("kubectl --namespace %s patch %s --type merge --patch '%s'",
		namespace, q.Subject.OwnerArgument(), templatePatch(owner.Kind, metadata)))
}

// withoutTypo removes keys that the injector would refuse as unknown.
func (q *inquiry) withoutTypo() string {
	var text strings.Builder
	for _, key := range slices.Sorted(maps.Keys(q.view.Metadata.Annotations)) {
		if key != mutate.AnnotationInject && spelling.Nearest(key, []string{mutate.AnnotationInject}) != "" {
			fmt.Fprintf(&text, "%q:null,", key)
		}
	}
	return text.String()
}

// ownerAsks tells whether the template of the pod's workload asks for PCP.
func (q *inquiry) ownerAsks() bool {
	template := snapshot.TemplateOf(q.Subject.OwnerObject)
	return template != nil && template.Metadata.Annotations[mutate.AnnotationInject] == "true"
}

// renew replaces the pods of the workload.
func (q *inquiry) renew() *gate.Remedy {
	owner, namespace := q.Subject.Owner, q.Subject.Namespace
	switch config.TargetKind(owner.Kind) {
	case config.KindDeployment, config.KindStatefulSet, config.KindDaemonSet:
		return do("Replace the pods", fmt.Sprintf("kubectl --namespace %s rollout restart %s", namespace, q.Subject.OwnerArgument()))
	case config.KindPod:
		return do("Recreate the pod from its manifest", fmt.Sprintf("kubectl --namespace %s replace --force -f <manifest>", namespace))
	default:
		names := make([]string, len(q.Pods.Value))
		for n := range q.Pods.Value {
			names[n] = q.Pods.Value[n].Name
		}
		return do("Replace the pods", fmt.Sprintf("kubectl --namespace %s delete pod %s", namespace, strings.Join(names, " ")))
	}
}

func (q *inquiry) targetGate(context.Context) finding {
	switch {
	case q.decision == nil:
		return unknown("unknown, because the injector's configuration is unknown")
	case q.untrusted() != nil:
		return passed("the pod claims to belong to the configured target")
	case q.decision.Reason == mutate.ReasonNotDesignated:
		return q.notDesignated(q.decision.Message)
	case q.decision.Reason == mutate.ReasonNotRequested || q.decision.Reason == mutate.ReasonInvalidRequest:
		return q.targetOfSilent()
	}
	return passed("%s is the configured target", q.Subject.Owner)
}

// targetOfSilent asks for PCP in the pod's place, since the answer to a pod that does not ask is the same for all.
func (q *inquiry) targetOfSilent() finding {
	asking := *q.view
	asking.Metadata.Annotations = map[string]string{mutate.AnnotationInject: "true"}
	request := mutate.Request{Namespace: q.Subject.Namespace, Pod: &asking, Username: q.creator().GetName()}
	if !q.Subject.IsPod() {
		request.Owner = &q.Subject.Owner
	}
	if decision := q.injector.Decide(request); decision.Reason == mutate.ReasonNotDesignated {
		return q.notDesignated(decision.Message)
	}
	return passed("%s is the configured target", q.Subject.Owner)
}

func (q *inquiry) notDesignated(message string) finding {
	return failed(do("Have the administrator make it the target; there is one per release", q.retarget()), "%s", message)
}

// untrusted is what the injector has said of a live pod that somebody else created, nil of all others: nothing else remembers who
// created a pod.
func (q *inquiry) untrusted() *mutate.Status {
	if status := snapshot.StatusIn(q.pod.GetAnnotations()); status != nil && status.Reason == mutate.ReasonUntrustedCreator {
		return status
	}
	return nil
}

func (q *inquiry) creatorGate(context.Context) finding {
	status := q.untrusted()
	switch {
	case status != nil:
		return failed(do("Delete it, and let the controller of its workload create the pod",
			fmt.Sprintf("kubectl --namespace %s delete pod %s", q.Subject.Namespace, q.pod.GetName())), "%s", status.Message)
	case q.decision == nil:
		return unknown("unknown, because the injector's configuration is unknown")
	case q.decision.Reason == mutate.ReasonUntrustedCreator:
		return failed(do("Have the administrator add the creator to config.target.trustedCreators"), "%s", q.decision.Message)
	case len(q.config.Target.TrustedCreators) == 0:
		return passed("anyone who may create the pod may have it injected")
	case q.Subject.IsPod():
		return passed("nothing indicates that anyone but %s created the pod", q.config.Target.TrustedCreators[0])
	default:
		return passed("%s creates the pods", q.config.Target.TrustedCreators[0])
	}
}

func (q *inquiry) compatibilityGate(context.Context) finding {
	switch {
	case q.decision == nil:
		return unknown("unknown, because the injector's configuration is unknown")
	case q.decision.Reason == mutate.ReasonIncompatible:
		return failed(do("Change the pod template, as each problem says"), "PCP could not work in this pod: %s", q.decision.Explanation())
	case q.injected == nil:
		return unknown("not examined, because the pod would not be injected")
	case len(q.decision.Warnings) > 0:
		warnings := make([]string, len(q.decision.Warnings))
		for n := range q.decision.Warnings {
			warnings[n] = q.decision.Warnings[n].Message
		}
		return passed("PCP works in this pod; warning: %s", strings.Join(warnings, "; warning: "))
	default:
		return passed("PCP works in this pod")
	}
}

// rolloutGate looks at how many pods run side by side.
func (q *inquiry) rolloutGate(context.Context) finding {
	if q.injector == nil {
		return unknown("unknown, because the injector's configuration is unknown")
	}
	w := q.Subject.Workload
	kind := q.Subject.Kind.Kind
	if q.Subject.IsPod() {
		if owner := q.ownerWorkload(); owner != nil {
			w, kind = *owner, q.Subject.Owner.Kind
		}
	}
	warnings := q.injector.WorkloadWarnings(mutate.Workload{
		Kind: kind, Replicas: w.Replicas, Strategy: w.Strategy, Parallelism: w.Parallelism, ConcurrencyPolicy: w.ConcurrencyPolicy,
	})
	if len(warnings) == 0 {
		return passed("one pod at a time uses PCP's volumes")
	}
	return failed(q.oneAtATime(&w), "%s", warnings[0].Message)
}

func (q *inquiry) ownerWorkload() *manifest.Workload {
	if q.Subject.OwnerObject == nil {
		return nil
	}
	data, err := q.Subject.OwnerObject.MarshalJSON()
	if err != nil {
		return nil
	}
	workloads, err := manifest.WorkloadsOf(data)
	if err != nil || len(workloads) != 1 {
		return nil
	}
	return &workloads[0]
}

func (q *inquiry) oneAtATime(w *manifest.Workload) *gate.Remedy {
	patch := func(text string) string {
		return fmt.Sprintf("kubectl --namespace %s patch %s --type merge --patch '%s'", q.Subject.Namespace, q.Subject.OwnerArgument(), text)
	}
	var commands []string
	if w.Replicas != nil && *w.Replicas > 1 {
		commands = append(commands, fmt.Sprintf("kubectl --namespace %s scale %s --replicas 1", q.Subject.Namespace, q.Subject.OwnerArgument()))
	}
	switch config.TargetKind(q.Subject.Owner.Kind) {
	case config.KindDeployment:
		if w.Strategy != "Recreate" {
			commands = append(commands, patch(`{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}`))
		}
	case config.KindCronJob:
		commands = append(commands, patch(`{"spec":{"concurrencyPolicy":"Forbid","jobTemplate":{"spec":{"parallelism":1}}}}`))
	default:
	}
	return do("Let one pod run at a time", commands...)
}

// nested is a value of an object as the API server stores it.
func nested[T any](object *unstructured.Unstructured, path ...string) (value T) {
	if object == nil {
		return value
	}
	found, _, err := unstructured.NestedFieldNoCopy(object.Object, path...)
	if err != nil {
		return value
	}
	value, _ = found.(T)
	return value
}
