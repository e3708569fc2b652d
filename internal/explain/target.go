package explain

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// The gates of the injector's own decision, made by its own code with the live configuration.

// templatePatch is a merge patch for the metadata of a kind's pods.
func templatePatch(kind, metadata string) string {
	steps := []string{"spec", "template"} // of a custom kind
	if known := config.KnownKind(config.TargetKind(kind)); known != nil {
		steps = known.TemplatePath()
	}
	patch := `{"metadata":` + metadata + `}`
	for _, step := range slices.Backward(steps) {
		patch = `{"` + step + `":` + patch + `}`
	}
	return patch
}

// askFor says how to ask for PCP.
func (q *inquiry) askFor() *gate.Remedy {
	owner, namespace := q.Subject.Owner, q.Subject.Namespace
	switch {
	case q.Subject.IsPod() && q.ownerAsks():
		return q.renew()
	case !q.Subject.Stored:
		return q.askInFile()
	case owner.Kind == "Pod" || owner.Kind == "Job":
		return do(fmt.Sprintf("Recreate it with the annotation %s: \"true\" on its pod template, which cannot be changed", mutate.AnnotationInject))
	}
	var annotations strings.Builder
	for _, typo := range q.typos() {
		fmt.Fprintf(&annotations, "%q:null,", typo)
	}
	patch := templatePatch(owner.Kind, fmt.Sprintf(`{"annotations":{%s%q:"true"}}`, annotations.String(), mutate.AnnotationInject))
	if q.misplaced() {
		patch = fmt.Sprintf(`{"metadata":{"annotations":{%q:null}},%s`, mutate.AnnotationInject, strings.TrimPrefix(patch, "{"))
	}
	return q.editing(do("Ask for PCP on the pod template", fmt.Sprintf("kubectl --namespace %s patch %s --type merge --patch '%s'", namespace, q.Subject.OwnerArgument(), patch)))
}

// misplaced reports whether the annotation is on the workload itself.
func (q *inquiry) misplaced() bool {
	_, misplaced := q.Subject.Workload.Annotations[mutate.AnnotationInject]
	return misplaced && !q.Subject.IsPod()
}

// editing is a remedy that changes a live workload.
func (q *inquiry) editing(remedy *gate.Remedy) *gate.Remedy {
	return remedy.Noting("Make the same change in the manifest of " + q.Subject.OwnerArgument() + ", or the next apply takes it back")
}

// askInFile says what to write into the subject's file.
func (q *inquiry) askInFile() *gate.Remedy {
	place, line := "metadata.annotations", mutate.AnnotationInject+`: "true"`
	if known := config.KnownKind(config.TargetKind(q.Subject.Kind.Kind)); known != nil {
		place = strings.Join(append(known.TemplatePath(), place), ".")
	}
	_, present := q.view.Metadata.Annotations[mutate.AnnotationInject]
	edit := fmt.Sprintf("add %s to %s", line, place)
	switch typos := q.typos(); {
	case present:
		edit = fmt.Sprintf("set %s in %s", line, place)
	case len(typos) > 0:
		edit = fmt.Sprintf("write %s instead of %s in %s", line, typos[0], place)
	case q.misplaced():
		edit = fmt.Sprintf("move %s from metadata.annotations to %s", line, place)
	}
	return do(fmt.Sprintf("In %s, %s, and apply it", q.Subject.File, edit), q.applyFile()...)
}

// applyFile returns the commands that apply the subject's file to the cluster; none if it is from no file.
func (q *inquiry) applyFile() []string {
	if q.Subject.File == snapshot.StandardInput {
		return nil
	}
	verb := "apply"
	if kind := config.TargetKind(q.Subject.Kind.Kind); kind == config.KindJob || kind == config.KindPod {
		verb = "replace --force" // their pods cannot be changed
	}
	return []string{fmt.Sprintf("kubectl --namespace %s %s -f %s", q.Subject.Namespace, verb, gate.Quote(q.Subject.File))}
}

// ownerAsks reports whether the template of the pod's workload asks for PCP.
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
		return do("Recreate the pod from its manifest", fmt.Sprintf("kubectl --namespace %s replace --force -f MANIFEST", namespace))
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
		return q.notTarget(q.decision.Message)
	}
	return passed("%s is the configured target", q.Subject.Owner)
}

func (q *inquiry) notTarget(message string) finding {
	target := q.config.Target
	return failed(do(fmt.Sprintf("Have the administrator make it the target, which takes PCP away from %s %s in namespace %s: a release has one target", target.Kind, target.Name, target.Namespace), q.retarget()), "%s", message)
}

// untrusted is the injector's status in a live pod that somebody else created; nil for all others. Nothing else records who created a pod.
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
		return passed("created by %s, as far as can be seen", q.config.Target.TrustedCreators[0])
	default:
		return passed("%s creates the pods", q.config.Target.TrustedCreators[0])
	}
}

func (q *inquiry) compatibilityGate(context.Context) finding {
	switch {
	case q.decision == nil:
		return unknown("unknown, because the injector's configuration is unknown")
	case q.decision.Reason == mutate.ReasonIncompatible:
		return failed(do("Change the pod template, as each problem says"), "PCP cannot work in this pod: %s", q.decision.Explanation())
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

// rolloutGate checks how many pods run side by side.
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
	kind := config.TargetKind(q.Subject.Owner.Kind)
	several := w.Replicas != nil && *w.Replicas > 1
	var fields, commands []string
	add := func(field, arguments string) {
		fields = append(fields, field)
		commands = append(commands, fmt.Sprintf("kubectl --namespace %s "+arguments, q.Subject.Namespace, q.Subject.OwnerArgument()))
	}
	if several {
		add("spec.replicas: 1", "scale %s --replicas 1")
	}
	switch {
	case kind == config.KindDeployment && w.Strategy != "Recreate":
		add("spec.strategy: {type: Recreate}", `patch %s --type merge --patch '{"spec":{"strategy":{"type":"Recreate","rollingUpdate":null}}}'`)
	case kind == config.KindCronJob:
		add("spec.concurrencyPolicy: Forbid, spec.jobTemplate.spec.parallelism: 1", `patch %s --type merge --patch '{"spec":{"concurrencyPolicy":"Forbid","jobTemplate":{"spec":{"parallelism":1}}}}'`)
	}
	if !q.Subject.Stored {
		return do(fmt.Sprintf("Let one pod run at a time: in %s, set %s", q.Subject.File, strings.Join(fields, " and ")))
	}
	return q.editing(do("Let one pod run at a time", commands...))
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
