package verify

import (
	"fmt"
	"slices"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// Report compares all pods.
func Report(live *snapshot.Live, version string) (*gate.Report, error) {
	report := &gate.Report{Subject: "pods with PCP in namespace " + live.Namespace, Gates: []gate.Gate{}}
	for n := range live.Pods {
		pod := &live.Pods[n]
		found, err := judge(pod, live.Config, version)
		if err != nil {
			return nil, fmt.Errorf("pod %s: %w", pod.Pod.GetName(), err)
		}
		report.Gates = append(report.Gates, gate.Gate{Name: pod.Pod.GetName(), Result: found.Result, Evidence: found.Evidence, Remedy: found.Remedy})
	}
	return report, nil
}

func judge(pod *snapshot.LivePod, cfg *config.InjectorConfig, version string) (gate.Finding, error) {
	state, evidence, err := Pod(pod, cfg, version)
	if err != nil {
		return gate.Finding{}, err
	}
	found := gate.Found(gate.Passed, "%s: %s", state, evidence)
	switch state {
	case Current:
		return found, nil
	case Upgraded:
		return pinned(pod, found), nil
	case Stale, Older:
		return replace(pod, cfg, found, "Replace the pod to apply what is in force now")
	default:
		return replace(pod, cfg, found, "Find out who changed it, and replace the pod")
	}
}

// pinned warns about an image that is not the configuration's, and may be yet another one tomorrow.
func pinned(pod *snapshot.LivePod, found gate.Finding) gate.Finding {
	if image := (&config.Container{Image: pod.Image()}); image.ImageMoves() {
		found.Result, found.Evidence = gate.Warning, found.Evidence+"; its tag moves, so tomorrow it may be another image"
		return found.With(remedy.PinImage.With())
	}
	return found
}

// replace has the pod replaced, unless its successor would be no better.
func replace(pod *snapshot.LivePod, cfg *config.InjectorConfig, found gate.Finding, advice string) (gate.Finding, error) {
	found.Result = gate.Failed
	next, err := successor(pod, cfg)
	if err != nil {
		return found, err
	}
	owner := remedy.Object.Is(pod.Subject.OwnerArgument())
	here := remedy.InNamespace.Is(pod.Pod.GetNamespace())
	switch {
	case next == nil:
	case isForAnother(next):
		found.Evidence += "; " + fate(next)
		return found.With(remedy.MakeTarget.With(remedy.Prose.Is(fmt.Sprintf("%s in namespace %s", pod.Owner(), pod.Pod.GetNamespace())))), nil
	case next.Reason == mutate.ReasonAlreadyInjected:
		found.Evidence += "; it is PCP which its manifest has: a new pod would be the same"
		return found.With(remedy.ReplaceInManifest.With(remedy.Prose.Is(pod.Owner().String()))), nil
	case next.Reason != mutate.ReasonInjected:
		found.Evidence += "; " + fate(next)
		return found.With(remedy.Explain.With(owner, here)), nil
	}
	return found.With(renew(pod, advice)), nil
}

// successor is what the injector would decide about the pod that is created next; nil if that cannot be derived.
func successor(live *snapshot.LivePod, cfg *config.InjectorConfig) (*mutate.Decision, error) {
	injector, err := mutate.New(cfg, "")
	if err != nil {
		return nil, err
	}
	document, view, err := viewOf(live)
	if err != nil {
		return nil, err
	}
	var next mutate.Pod
	if live.Template != nil {
		next = *live.Template
		next.Metadata.Name, next.Metadata.OwnerReferences = view.Metadata.Name, view.Metadata.OwnerReferences
	} else {
		bare, problem := withoutPCP(document, view)
		if problem != "" {
			return nil, nil //nolint:nilnil // nothing is wrong with what was read, and nothing is known
		}
		if err := manifest.Decode(bare, &next); err != nil {
			return nil, err
		}
	}
	decision := injector.Decide(requestFor(live, &next, cfg))
	return &decision, nil
}

// isForAnother reports whether another workload is the target.
func isForAnother(next *mutate.Decision) bool {
	return next.Reason == mutate.ReasonNotDesignated ||
		slices.ContainsFunc(next.Warnings, func(w mutate.Warning) bool { return w.Code == string(mutate.ReasonNotDesignated) })
}

// fate of the next pod, if it is not one with PCP by the configuration in force.
func fate(next *mutate.Decision) string {
	what := "a new pod would have no PCP: "
	switch {
	case !next.Reason.Allowed():
		what = "a new pod would be refused: "
	case next.Reason == mutate.ReasonAlreadyInjected:
		return "a new pod would be the same, because its manifest has PCP; the webhook warns: " + next.Warnings[0].Message
	case next.Reason == mutate.ReasonNotRequested:
		return what + "NotRequested: its template does not ask"
	}
	return what + string(next.Reason) + ": " + next.Explanation()
}

// renew replaces the pod.
func renew(pod *snapshot.LivePod, advice string) *remedy.Remedy {
	values := []remedy.Value{remedy.Prose.Is(advice), remedy.InNamespace.Is(pod.Pod.GetNamespace())}
	if workload := pod.Replacer(); workload != "" {
		return remedy.Restart.With(append(values, remedy.Object.Is(workload))...)
	}
	return remedy.DeletePods.With(append(values, remedy.Pods.Is(pod.Pod.GetName()))...)
}
