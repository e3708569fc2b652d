package main

import (
	"errors"
	"fmt"
	"maps"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// injection adds PCP to pod templates.
type injection struct {
	namespace string
	// configured decides for the target of a configuration; nil if each document is its own target.
	configured *mutate.Injector
	// strict refuses a workload that means to ask for PCP and would get none.
	strict bool
	// first is the workload that got PCP before, if any.
	first string
}

func newInjection(configFile, namespace string) (*injection, error) {
	if configFile == "" {
		return &injection{namespace: orElse(namespace, config.Default().Target.Namespace)}, nil
	}
	cfg, err := config.Load(configFile)
	if err != nil {
		return nil, err
	}
	injector, err := mutate.New(cfg, programVersion())
	return &injection{namespace: orElse(namespace, cfg.Target.Namespace), configured: injector}, err
}

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

func (i *injection) change(w *manifest.Workload) (*outcome, error) {
	asked, present := annotation(w.Template, mutate.AnnotationInject)
	switch _, isText := asked.(string); {
	case !present:
		return i.unasked(w), nil
	case !w.Known:
		return i.unmet("UnknownKind", "only Kubernetes' own workloads are supported: inject its pods with the webhook"), nil
	case !isText:
		path := field.NewPath("metadata", "annotations").Key(mutate.AnnotationInject)
		problem := field.Invalid(path, asked, `must be "true" or "false", in quotes`)
		return refused(w, mutate.ReasonInvalidRequest, problem), nil
	}
	pod, err := decodePod(w.Template)
	if err != nil {
		return refused(w, mutate.ReasonIncompatible, err), nil
	}
	return i.decide(w, pod)
}

func (i *injection) decide(w *manifest.Workload, pod *mutate.Pod) (*outcome, error) {
	namespace := orElse(w.Namespace, i.namespace)
	injector, problems, err := i.injectorFor(w, namespace)
	if err != nil {
		return nil, err
	}
	decision := injector.Decide(mutate.Request{
		Namespace: namespace,
		Owner:     &mutate.Owner{Kind: w.Kind, Name: w.Name},
		Pod:       pod,
	})
	switch {
	case !decision.Reason.Allowed():
		return refused(w, decision.Reason, errorsOf(decision.Problems)...), nil
	case decision.Reason == mutate.ReasonNotDesignated:
		return i.unmet(decision.Reason, decision.Message), nil
	case decision.Reason != mutate.ReasonInjected:
		return passedBy(&decision), nil
	case len(problems) > 0:
		return &outcome{summary: "refused (InvalidConfiguration):", problems: problems}, nil
	}
	return &outcome{
		summary:  "injected: " + describe(decision.Status),
		patch:    decision.Patch,
		warnings: append(decision.Warnings, i.warnings(injector, w)...),
	}, nil
}

// warnings are about what a pod alone does not show.
func (i *injection) warnings(injector *mutate.Injector, w *manifest.Workload) []mutate.Warning {
	warnings := injector.WorkloadWarnings(mutate.Workload{
		Kind: w.Kind, Replicas: w.Replicas, Strategy: w.Strategy, Parallelism: w.Parallelism, ConcurrencyPolicy: w.ConcurrencyPolicy,
	})
	if i.first == "" {
		i.first = w.String()
		return warnings
	}
	message := i.first + " also has PCP, which monitors the system, so a second instance only duplicates its data"
	return append(warnings, mutate.Warning{Code: "SecondInstance", Message: message})
}

// passedBy is the outcome for a template that asks but stays as it is.
func passedBy(decision *mutate.Decision) *outcome {
	message := decision.Message
	switch decision.Reason {
	case mutate.ReasonNotRequested:
		message = "its annotation " + mutate.AnnotationInject + ` says "false"`
	case mutate.ReasonAlreadyInjected:
		message = "it already has PCP"
	}
	result := skipped(decision.Reason, message)
	if decision.Reason == mutate.ReasonAlreadyInjected {
		result.warnings = decision.Warnings
	}
	return result
}

// injectorFor also returns the problems of the defaults with this kind of workload, because nothing has validated them.
func (i *injection) injectorFor(w *manifest.Workload, namespace string) (*mutate.Injector, []error, error) {
	if i.configured != nil {
		return i.configured, nil, nil
	}
	cfg := config.Default()
	cfg.Target = config.Target{Namespace: namespace, Kind: config.TargetKind(w.Kind), Name: w.Name}
	cfg.Complete()
	var problems []error
	for _, problem := range cfg.Validate() {
		if !strings.HasPrefix(problem.Field, "target.") {
			problems = append(problems, fmt.Errorf("the default of %w; set it in a file and pass that with --config", problem))
		}
	}
	injector, err := mutate.New(cfg, programVersion())
	return injector, problems, err
}

// unasked is the outcome for a workload without the annotation on its pod template. It may be misspelled, or on the workload itself, where
// it has no effect.
func (i *injection) unasked(w *manifest.Workload) *outcome {
	place := strings.TrimPrefix(w.Field+".metadata.annotations", ".")
	if misspelled := mutate.MisspelledRequests(maps.Keys(annotationsOf(w.Template))); len(misspelled) > 0 {
		return i.unmet(mutate.ReasonNotRequested, fmt.Sprintf("unknown annotation %s in %s: did you mean %s?", misspelled[0], place, mutate.AnnotationInject))
	}
	misplaced := mutate.MisspelledRequests(maps.Keys(w.Annotations))
	if _, present := w.Annotations[mutate.AnnotationInject]; present {
		misplaced = []string{mutate.AnnotationInject}
	}
	switch {
	case len(misplaced) > 0 && misplaced[0] != mutate.AnnotationInject:
		return i.unmet(mutate.ReasonNotRequested, fmt.Sprintf("unknown annotation %s of the %s: did you mean %s in %s?",
			misplaced[0], strings.ToLower(w.Kind), mutate.AnnotationInject, place))
	case len(misplaced) > 0:
		return i.unmet(mutate.ReasonNotRequested, fmt.Sprintf("move the annotation %s from the %s to %s", misplaced[0], strings.ToLower(w.Kind), place))
	case w.Template == nil:
		return skipped(mutate.ReasonNotRequested, "it has no pod template at "+w.Field)
	}
	return skipped(mutate.ReasonNotRequested, "to ask for PCP, set "+mutate.AnnotationInject+`: "true" in `+place)
}

// unmet is the outcome for a workload that means to ask for PCP and gets none.
func (i *injection) unmet(reason mutate.Reason, message string) *outcome {
	if i.strict {
		return &outcome{summary: fmt.Sprintf("refused (%s):", reason), problems: []error{errors.New(message)}}
	}
	return skipped(reason, message)
}
