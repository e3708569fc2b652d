package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	operations "gomodules.xyz/jsonpatch/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// outcome is what a verb does with one workload.
type outcome struct {
	summary  string
	patch    []operations.Operation
	warnings []mutate.Warning
	problems []error
}

func skipped(reason mutate.Reason, message string) *outcome {
	return &outcome{summary: fmt.Sprintf("skipped (%s): %s", reason, message)}
}

// refused places the problems in the document, because their paths start at the pod.
func refused(w *manifest.Workload, reason mutate.Reason, problems ...error) *outcome {
	result := &outcome{summary: fmt.Sprintf("refused (%s):", reason)}
	for _, problem := range problems {
		result.problems = append(result.problems, placed(w, problem))
	}
	return result
}

func placed(w *manifest.Workload, problem error) error {
	var inField *field.Error
	var mistake *manifest.FieldError
	switch {
	case w.Field == "":
		return problem
	case errors.As(problem, &inField):
		moved := *inField
		moved.Field = w.Field + "." + inField.Field
		return &moved
	case errors.As(problem, &mistake):
		return mistake.Within(w.Field)
	default:
		return fmt.Errorf("%s.%w", w.Field, problem)
	}
}

func errorsOf(problems field.ErrorList) []error {
	errs := make([]error, len(problems))
	for n, problem := range problems {
		errs[n] = problem
	}
	return errs
}

// report lists what was done, one line for each workload.
type report struct {
	lines   []string
	refused []string
}

func (r *report) add(document *manifest.Document, w *manifest.Workload, result *outcome) {
	if len(result.problems) > 0 {
		r.refused = append(r.refused, fmt.Sprintf("%s (%s:%d): %s", w, document.File, document.Line, result.summary))
		for _, problem := range result.problems {
			r.refused = append(r.refused, fmt.Sprintf("  %v", problem))
		}
		return
	}
	r.lines = append(r.lines, fmt.Sprintf("%s: %s", w, result.summary))
	for _, warning := range result.warnings {
		r.lines = append(r.lines, fmt.Sprintf("  warning: %s: %s", warning.Code, warning.Message))
	}
}

// write prints what was done or, if nothing was written, only why not.
func (r *report) write(out io.Writer, failed bool) {
	lines := r.lines
	switch {
	case failed:
		lines = r.refused
	case len(lines) == 0:
		lines = []string{"no workload was found, so there is nothing to do"}
	}
	for _, line := range lines {
		fmt.Fprintln(out, line)
	}
}

// describe lists what was added according to a status.
func describe(status *mutate.Status) string {
	added := status.Added
	var parts []string
	for _, group := range []struct {
		one, many string
		names     []string
	}{
		{"container", "containers", added.Containers},
		{"init container", "init containers", added.InitContainers},
		{"volume", "volumes", added.Volumes},
		{"field", "fields", podFields(status)},
		{"label", "labels", added.Labels},
		{"annotation", "annotations", added.Annotations},
	} {
		if len(group.names) > 0 {
			word := group.one
			if len(group.names) > 1 {
				word = group.many
			}
			parts = append(parts, word+" "+strings.Join(group.names, ", "))
		}
	}
	return strings.Join(parts, "; ")
}

// podFields are the single fields that were set. Lists and maps are described by their items.
func podFields(status *mutate.Status) []string {
	var fields []string
	for _, path := range status.Added.Fields {
		if !slices.Contains([]string{"/metadata/labels", "/spec/initContainers", "/spec/volumes"}, path) {
			fields = append(fields, fieldName(path))
		}
	}
	for path := range status.Replaced {
		fields = append(fields, fieldName(path))
	}
	slices.Sort(fields)
	return fields
}

func fieldName(pointer string) string {
	return strings.ReplaceAll(strings.TrimPrefix(pointer, "/"), "/", ".")
}
