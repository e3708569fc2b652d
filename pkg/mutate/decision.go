package mutate

import (
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Reason says in one stable word why a pod was or was not injected. It feeds the status annotation, the metric, the log
// and the audit annotation.
type Reason string

// The reasons, in the order of the decision.
const (
	// ReasonNotRequested: the pod has no pcp.io/inject annotation, or it says "false".
	ReasonNotRequested Reason = "NotRequested"
	// ReasonInvalidRequest: pcp.io/inject is neither "true" nor "false"; rejected.
	ReasonInvalidRequest Reason = "InvalidRequest"
	// ReasonAlreadyInjected: the injector's own result came back; nothing to do.
	ReasonAlreadyInjected Reason = "AlreadyInjected"
	// ReasonNotDesignated: another workload is the target; allowed without PCP.
	ReasonNotDesignated Reason = "NotDesignated"
	// ReasonUntrustedCreator: the owner is the target, but its controller did not create the pod; allowed without PCP.
	ReasonUntrustedCreator Reason = "UntrustedCreator"
	// ReasonIncompatible: PCP could not work in this pod; rejected with all problems.
	ReasonIncompatible Reason = "Incompatible"
	// ReasonInjected: the pod gets PCP.
	ReasonInjected Reason = "Injected"
)

// Reasons are all reasons, so every metric's series can exist from the start.
var Reasons = []Reason{
	ReasonNotRequested, ReasonInvalidRequest, ReasonAlreadyInjected, ReasonNotDesignated,
	ReasonUntrustedCreator, ReasonIncompatible, ReasonInjected,
}

// Allowed reports whether a pod with this reason may be created. An empty reason is not allowed.
func (r Reason) Allowed() bool {
	switch r {
	case ReasonNotRequested, ReasonAlreadyInjected, ReasonNotDesignated, ReasonUntrustedCreator, ReasonInjected:
		return true
	case ReasonInvalidRequest, ReasonIncompatible:
	}
	return false
}

// Owner is the workload that a pod belongs to, e.g. Deployment node-monitor.
type Owner struct {
	Kind string
	Name string
}

// Request is the input of a decision.
type Request struct {
	// Namespace of the request: a pod made by a controller may not have one yet.
	Namespace string
	// Username of the request's user. Ignored if Owner is set.
	Username string
	// Owner if it is known for certain, as for a workload's template in a file; nil derives it from the pod.
	Owner *Owner
	// Pod to decide about.
	Pod *Pod
}

// MaxWarning is the length in bytes beyond which the API server cuts a warning
// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#response).
const MaxWarning = 256

// Warning is advice for the user who creates the pod: a stable code, and one sentence.
type Warning struct {
	Code    string
	Message string
}

// String is the form that users see.
func (w Warning) String() string {
	return "pcp-injector: " + w.Code + ": " + w.Message
}

// Decision about one pod.
type Decision struct {
	// Reason, which also reports whether the pod is allowed.
	Reason Reason
	// Problems are why the pod is rejected, all of them at once.
	Problems field.ErrorList
	// Message explains a pod that was allowed without PCP although it asked.
	Message string
	// Warnings for pods that are allowed.
	Warnings []Warning
	// Patch to apply to the pod. It adds what the injector owns, and replaces no fields but hostNetwork, dnsPolicy and hostname.
	Patch []jsonpatch.Operation
	// Status that the patch writes; nil if it writes none.
	Status *Status
}

// Explanation is the decision in words; empty if there is nothing to say.
func (d *Decision) Explanation() string {
	if len(d.Problems) == 0 {
		return d.Message
	}
	lines := make([]string, len(d.Problems))
	for n, problem := range d.Problems {
		lines[n] = problem.Error()
	}
	return strings.Join(lines, "; ")
}
