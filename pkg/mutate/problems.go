package mutate

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Whoever may create pods may send millions of mistakes: what is read and what is told has bounds.
const (
	// maxProblems is more than anybody reads.
	maxProblems = 50
	// maxAnnotations is the API server's own limit in bytes, which it checks only after admission
	// (https://github.com/kubernetes/apimachinery/blob/v0.37.2/pkg/api/validation/objectmeta.go, TotalAnnotationSizeLimitB).
	maxAnnotations = 256 << 10
	// maxList bounds the annotations that are lists of names, maxSource one OpenMetrics source, both in bytes.
	maxList   = 4 << 10
	maxSource = 16 << 10
)

func checkAnnotationSize(pod *Pod) *field.Error {
	total := 0
	for key, value := range pod.Metadata.Annotations {
		total += len(key) + len(value)
	}
	if total <= maxAnnotations {
		return nil
	}
	return field.TooLong(field.NewPath("metadata", "annotations"), "", maxAnnotations)
}

// tooLong is the problem of an annotation that exceeds the limit, nil where it does not.
func tooLong(key, value string, limit int) *field.Error {
	if len(value) <= limit {
		return nil
	}
	return field.TooLong(annotationPath(key), "", limit)
}

// summarize puts problems in the order of their text, since annotations come from a map, and cuts what nobody would read.
func summarize(problems field.ErrorList) field.ErrorList {
	type told struct {
		problem *field.Error
		text    string
	}
	list := make([]told, len(problems))
	for n, problem := range problems {
		list[n] = told{problem, problem.Error()}
	}
	slices.SortFunc(list, func(a, b told) int { return cmp.Compare(a.text, b.text) })
	result := make(field.ErrorList, 0, min(len(list), maxProblems+1))
	for n := range list[:min(len(list), maxProblems)] {
		result = append(result, list[n].problem)
	}
	if len(list) > maxProblems {
		result = append(result, field.Invalid(field.NewPath("pod"), field.OmitValueType{}, fmt.Sprintf("has more than %d problems: correct these first", maxProblems)))
	}
	return result
}

// isFull tells when to stop looking for more of one kind.
func isFull(problems field.ErrorList) bool { return len(problems) > maxProblems }
