package mutate

import (
	"iter"
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/spelling"
)

// MisspelledRequests are the annotations that are meant to be AnnotationInject, sorted. They ask for nothing.
func MisspelledRequests(annotations iter.Seq[string]) []string {
	known := make([]string, len(Annotations))
	for n := range Annotations {
		known[n] = Annotations[n].Key
	}
	var misspelled []string
	for key := range annotations {
		if key != AnnotationInject && spelling.Nearest(key, known) == AnnotationInject && strings.HasPrefix(key, "pcp.io/") {
			misspelled = append(misspelled, key)
		}
	}
	slices.Sort(misspelled)
	return misspelled
}
