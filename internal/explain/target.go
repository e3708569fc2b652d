package explain

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// The gates of the injector's own decision, made by its own code with the live configuration.

// templatePatch is a merge patch for the metadata of a kind's pods.
func templatePatch(kind string, metadata map[string]any) map[string]any {
	steps := []string{"spec", "template"} // of a custom kind
	if known := config.KnownKind(config.TargetKind(kind)); known != nil {
		steps = known.TemplatePath()
	}
	patch := map[string]any{"metadata": metadata}
	for _, step := range slices.Backward(steps) {
		patch = map[string]any{step: patch}
	}
	return patch
}

// here is the subject's namespace.
func (q *inquiry) here() remedy.Value { return remedy.InNamespace.Is(q.Subject.Namespace) }

// owner is the workload that the subject belongs to.
func (q *inquiry) owner() remedy.Value { return remedy.Object.Is(q.Subject.OwnerArgument()) }

// askFor says how to ask for PCP.
func (q *inquiry) askFor() *remedy.Remedy {
	owner := q.Subject.Owner
	switch {
	case q.Subject.IsPod() && q.ownerAsks():
		return q.renew()
	case !q.Subject.Stored:
		return q.askInFile()
	case owner.Kind == "Pod" || owner.Kind == "Job":
		return remedy.AskAnew.With()
	}
	if q.Subject.OwnerUnseen() {
		return remedy.AskOwner.With(remedy.Prose.Is(q.Subject.Owner.String()))
	}
	annotations := map[string]any{mutate.AnnotationInject: "true"}
	for _, typo := range q.typos() {
		annotations[typo] = nil
	}
	patch := templatePatch(owner.Kind, map[string]any{"annotations": annotations})
	if q.misplaced() {
		patch["metadata"] = map[string]any{"annotations": map[string]any{mutate.AnnotationInject: nil}}
	}
	return remedy.Ask.With(q.here(), q.owner(), patched(patch))
}

// patched is a patch as JSON.
func patched(patch any) remedy.Value {
	text, err := json.Marshal(patch)
	if err != nil {
		text = nil // cannot happen: it is of maps, lists and texts
	}
	return remedy.Patch.Is(string(text))
}

// misplaced reports whether the annotation is on the workload itself.
func (q *inquiry) misplaced() bool {
	_, misplaced := q.Subject.Workload.Annotations[mutate.AnnotationInject]
	return misplaced && !q.Subject.IsPod()
}

// askInFile says what to write into the subject's file.
func (q *inquiry) askInFile() *remedy.Remedy {
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
	return q.editFile(edit)
}

// editFile says what to write into the subject's file, and applies it.
func (q *inquiry) editFile(edit string) *remedy.Remedy {
	what := remedy.AskInFile
	switch kind := config.TargetKind(q.Subject.Kind.Kind); {
	case q.Subject.File == snapshot.StandardInput:
		what = remedy.AskInInput
	case kind == config.KindJob || kind == config.KindPod:
		what = remedy.ReplaceFile // their pods cannot be changed
	}
	return what.With(q.here(), remedy.File.Is(q.Subject.File), remedy.Prose.Is(edit))
}

// ownerAsks reports whether the template of the pod's workload asks for PCP.
func (q *inquiry) ownerAsks() bool {
	template := snapshot.TemplateOf(q.Subject.OwnerObject)
	return template != nil && template.Metadata.Annotations[mutate.AnnotationInject] == "true"
}

// renew replaces the pods of the workload.
func (q *inquiry) renew() *remedy.Remedy {
	const advice = "Replace the pods"
	switch workload := q.Subject.Replacer(); {
	case workload != "":
		return remedy.Restart.With(remedy.Prose.Is(advice), q.here(), remedy.Object.Is(workload))
	case q.Subject.Owner.Kind == string(config.KindPod):
		return remedy.RecreatePod.With(q.here())
	default:
		names := make([]string, len(q.Pods.Value))
		for n := range q.Pods.Value {
			names[n] = q.Pods.Value[n].Name
		}
		return remedy.DeletePods.With(remedy.Prose.Is(advice), q.here(), remedy.Pods.Is(names...))
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
	loser := remedy.Prose.Is(fmt.Sprintf("%s %s in namespace %s", target.Kind, target.Name, target.Namespace))
	if q.Subject.OwnerUnseen() {
		return failed(remedy.RetargetUnseen.With(loser), "%s", message)
	}
	retarget := remedy.Retarget.With(append(q.release(), loser,
		remedy.TargetIn.Is(q.Subject.Namespace), remedy.Kind.Is(q.Subject.Owner.Kind), remedy.TargetName.Is(q.Subject.Owner.Name))...)
	return failed(retarget, "%s", message)
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
		return failed(remedy.DeleteForged.With(q.here(), remedy.Pods.Is(q.pod.GetName())), "%s", status.Message)
	case q.decision == nil:
		return unknown("unknown, because the injector's configuration is unknown")
	case q.decision.Reason == mutate.ReasonUntrustedCreator:
		return failed(remedy.TrustCreator.With(), "%s", q.decision.Message)
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
		return failed(remedy.ChangePod.With(), "PCP cannot work in this pod: %s", q.decision.Explanation())
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

func (q *inquiry) oneAtATime(w *manifest.Workload) *remedy.Remedy {
	kind := config.TargetKind(q.Subject.Owner.Kind)
	several := w.Replicas != nil && *w.Replicas > 1
	surges := kind == config.KindDeployment && w.Strategy != "Recreate"
	what, fields := remedy.OneByHand, ""
	switch {
	case several && surges:
		what, fields = remedy.OneRecreated, "spec.replicas: 1 and spec.strategy: {type: Recreate}"
	case several:
		what, fields = remedy.OneReplica, "spec.replicas: 1"
	case surges:
		what, fields = remedy.Recreate, "spec.strategy: {type: Recreate}"
	case kind == config.KindCronJob:
		what, fields = remedy.OneJob, "spec.concurrencyPolicy: Forbid, spec.jobTemplate.spec.parallelism: 1"
	}
	if !q.Subject.Stored && fields != "" {
		return remedy.OneInFile.With(remedy.File.Is(q.Subject.File), remedy.Prose.Is(fields))
	}
	return what.With(q.here(), q.owner())
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
