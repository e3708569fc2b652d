package mutate

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// source is one OpenMetrics source that travels in the pod, as an annotation.
type source struct {
	// name under which PCP sees it: openmetrics.<name>.*
	name string
	// key of the annotation that holds the .url file.
	key string
	// content of that annotation where the injector has to add it, empty where the pod's author wrote it.
	content string
}

// ownSources are the sources that the pod's author wrote. A pod may not read files: with host monitoring, a file URL
// would open the node's files to whoever may annotate a pod.
func (i *Injector) ownSources(annotations map[string]string) ([]source, field.ErrorList) {
	var sources []source
	var problems field.ErrorList
	for key, content := range annotations {
		name, isSource := strings.CutPrefix(key, OpenMetricsPrefix)
		if !isSource || isFull(problems) {
			continue
		}
		path := annotationPath(key)
		safe, err := config.SourceName(name)
		if err != nil {
			problems = append(problems, field.Invalid(path, name, err.Error()))
			continue
		}
		problems = append(problems, checkSource(key, content)...)
		sources = append(sources, source{name: safe, key: key})
	}
	slices.SortFunc(sources, func(a, b source) int { return cmp.Compare(a.key, b.key) })
	return sources, append(problems, i.checkSources(sources)...)
}

func checkSource(key, content string) field.ErrorList {
	if problem := tooLong(key, content, maxSource); problem != nil {
		return field.ErrorList{problem}
	}
	var problems field.ErrorList
	for _, err := range config.CheckSourceFile(content, config.PodAuthor) {
		problems = append(problems, field.Invalid(annotationPath(key), field.OmitValueType{}, err.Error()))
	}
	return problems
}

func (i *Injector) checkSources(sources []source) field.ErrorList {
	var problems field.ErrorList
	if !i.cfg.OpenMetrics.Enabled {
		for _, s := range sources {
			problems = append(problems, field.Forbidden(annotationPath(s.key), "the injector's configuration has openMetrics.enabled: false: remove the annotation, or ask the administrator"))
		}
	}
	for n, s := range sources {
		if i.endpoints.Has(s.name) {
			problems = append(problems, field.Invalid(annotationPath(s.key), s.name, fmt.Sprintf("the administrator's openMetrics.endpoints has a source %q already: choose another name", s.name)))
		}
		if twin := indexOfSource(sources[:n], s.name); twin >= 0 {
			problems = append(problems, field.Invalid(annotationPath(s.key), s.name, fmt.Sprintf("%s gives the same source %q, since PCP's names have no dashes or dots: rename one", sources[twin].key, s.name)))
		}
	}
	return problems
}

func indexOfSource(sources []source, name string) int {
	return slices.IndexFunc(sources, func(s source) bool { return s.name == name })
}
