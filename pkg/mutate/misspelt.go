package mutate

import (
	"iter"
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/spelling"
)

// MisspeltRequests are the annotations that are meant to be AnnotationInject, sorted. They ask for nothing.
func MisspeltRequests(annotations iter.Seq[string]) []string {
	known := make([]string, len(Annotations))
	for n := range Annotations {
		known[n] = Annotations[n].Key
	}
	var misspelt []string
	for key := range annotations {
		if key != AnnotationInject && spelling.Nearest(key, known) == AnnotationInject && strings.HasPrefix(key, "pcp.io/") {
			misspelt = append(misspelt, key)
		}
	}
	slices.Sort(misspelt)
	return misspelt
}
