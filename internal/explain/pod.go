package explain

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// podGate looks for the pod with PCP. All other gates say what would become of a new one.
func (q *inquiry) podGate(context.Context) finding {
	switch {
	case !q.Subject.Stored:
		return passed("not examined: a manifest has no pods yet")
	case q.Pods.Err != nil:
		return unknown("%s", q.Pods.Unseen())
	case len(q.Pods.Value) == 0:
		return q.noPod()
	}
	if n := slices.IndexFunc(q.Pods.Value, func(pod corev1.Pod) bool { return isInjected(pod.Annotations) }); n >= 0 {
		return passed("pod %s has PCP", q.Pods.Value[n].Name)
	}
	if pod, status := q.leftOut(); status != nil {
		return q.saidThen(pod, status)
	}
	if !q.asks() && q.replacesByItself() {
		return failed(nil, "pod %s has no PCP, because its template does not ask", q.Pods.Value[0].Name)
	}
	if q.asks() && q.Webhooks.Unseen() != "" {
		return failed(q.grant(), "pod %s has no PCP and no annotation %s: no injector was asked when it was created", q.Pods.Value[0].Name, mutate.AnnotationStatus)
	}
	return failed(q.renew(), "pod %s has no PCP: it is older than the current set-up", q.Pods.Value[0].Name)
}

// leftOut is a pod in which the injector has written why it has no PCP.
func (q *inquiry) leftOut() (pod string, status *mutate.Status) {
	for n := range q.Pods.Value {
		if status := snapshot.StatusIn(q.Pods.Value[n].Annotations); status != nil {
			return q.Pods.Value[n].Name, status
		}
	}
	return "", nil
}

// saidThen is the finding about a pod that says itself why it has no PCP. What the next one would get may be something else.
func (q *inquiry) saidThen(pod string, status *mutate.Status) finding {
	evidence := fmt.Sprintf("pod %s has no PCP: its annotation %s says %s: %s", pod, mutate.AnnotationStatus, status.Reason, status.Message)
	switch {
	case status.Reason == mutate.ReasonUntrustedCreator:
		return failed(remedy.DeleteForged.With(q.here(), remedy.Pods.Is(pod)), "%s", evidence)
	case q.decision == nil && status.Reason == mutate.ReasonNotDesignated:
		return failed(remedy.MakeTarget.With(remedy.Prose.Is(fmt.Sprintf("%s in namespace %s", q.Subject.Owner, q.Subject.Namespace))), "%s", evidence)
	case q.decision != nil && q.decision.Reason != status.Reason:
		evidence += "; that was so when it was created"
	}
	if !q.asks() && q.replacesByItself() {
		return finding{gate.Failed, evidence, nil}
	}
	return failed(q.renew(), "%s", evidence)
}

// replacesByItself reports whether the workload replaces its pods after its template has changed.
func (q *inquiry) replacesByItself() bool {
	switch config.TargetKind(q.Subject.Kind.Kind) {
	case config.KindDeployment, config.KindStatefulSet, config.KindDaemonSet:
		return nested[string](q.Subject.Object, "spec", "updateStrategy", "type") != "OnDelete"
	default:
		return false
	}
}

func (q *inquiry) noPod() finding {
	object := q.Subject.Object
	if message := createFailure(object); message != "" {
		return q.notCreated(message)
	}
	replicas, scaled := nested[int64](object, "spec", "replicas"), nested[any](object, "spec", "replicas") != nil
	switch config.TargetKind(q.Subject.Kind.Kind) {
	case config.KindDeployment, config.KindStatefulSet, config.KindReplicaSet, config.KindReplicationController:
		if scaled && replicas == 0 {
			return failed(remedy.StartOne.With(q.here(), remedy.Object.Is(q.Subject.Argument)), "%s has 0 replicas", q.Subject.Argument)
		}
	case config.KindCronJob:
		return q.cronJob()
	default:
	}
	return failed(remedy.WhyNoPod.With(q.here(), remedy.Object.Is(q.Subject.Argument)), "%s has no running pod", q.Subject.Argument)
}

func (q *inquiry) cronJob() finding {
	if nested[bool](q.Subject.Object, "spec", "suspend") {
		return failed(remedy.Resume.With(q.here(), remedy.Object.Is(q.Subject.Argument)),
			"%s is suspended", q.Subject.Argument)
	}
	return passed("no pod runs now; the next one gets PCP")
}

// createFailure is the controller's last error from the API server.
func createFailure(object *unstructured.Unstructured) string {
	for _, item := range nested[[]any](object, "status", "conditions") {
		condition, ok := item.(map[string]any)
		if ok && condition["type"] == "ReplicaFailure" && condition["status"] == "True" {
			message, _ := condition["message"].(string)
			return message
		}
	}
	return ""
}
