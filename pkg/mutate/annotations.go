package mutate

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/internal/spelling"
	"github.com/performancecopilot/pcp-injector/internal/work"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// checkKeys refuses keys under pcp.io/ that are unknown, that only the injector writes, or that the configuration does not allow.
func (i *Injector) checkKeys(pod *Pod) field.ErrorList {
	var problems field.ErrorList
	for key := range pod.Metadata.Annotations {
		if isFull(problems) {
			break
		}
		switch prefix, _, _ := strings.Cut(key, "/"); {
		case strings.HasPrefix(key, OpenMetricsPrefix):
			problems = appendProblem(problems, i.checkAllowed(key, config.OverrideOpenMetrics))
		case prefix == domain || strings.HasSuffix(prefix, "."+domain):
			problems = appendProblem(problems, i.checkKey(pod, key))
		}
	}
	if value, present := pod.Metadata.Labels[LabelInjected]; present {
		problems = append(problems, field.Invalid(field.NewPath("metadata", "labels").Key(LabelInjected), value,
			"only the injector sets it: remove the label"))
	}
	return problems
}

func (i *Injector) checkKey(pod *Pod, key string) *field.Error {
	known := knownAnnotation(key)
	switch {
	case known == nil:
		return field.Invalid(annotationPath(key), field.OmitValueType{}, unknownKey(key))
	case key == AnnotationStatus:
		return checkStatus(pod)
	case known.Written:
		return field.Forbidden(annotationPath(key), "only the injector sets it: remove the annotation")
	case known.Override != "":
		return i.checkAllowed(key, known.Override)
	}
	return nil
}

// knownAnnotation finds a key in Annotations; nil for an unknown one.
func knownAnnotation(key string) *Annotation {
	at := slices.IndexFunc(Annotations, func(a Annotation) bool { return a.Key == key })
	if at < 0 {
		return nil
	}
	return &Annotations[at]
}

// needPMCD refuses agents and OpenMetrics sources, because pmcd starts the agents.
func needPMCD(annotations map[string]string, own []source) field.ErrorList {
	const detail = "pmcd starts the agents, but it does not run: add pmcd to the services, or remove the annotation"
	var problems field.ErrorList
	if _, present := annotations[AnnotationDomainAgents]; present {
		problems = append(problems, field.Forbidden(annotationPath(AnnotationDomainAgents), detail))
	}
	for _, s := range own {
		if !isFull(problems) {
			problems = append(problems, field.Forbidden(annotationPath(s.key), detail))
		}
	}
	return problems
}

func unknownKey(key string) string {
	var allowed []string
	for _, a := range Annotations {
		if !a.Written {
			allowed = append(allowed, a.Key)
		}
	}
	detail := fmt.Sprintf("unknown key: allowed are %s and %s<name>", strings.Join(allowed, ", "), OpenMetricsPrefix)
	if meant := spelling.Nearest(key, append(allowed, OpenMetricsPrefix+path.Base(key))); meant != "" {
		detail += "; did you mean " + meant + "?"
	}
	return detail
}

// checkStatus accepts a status that only says why a pod was left out, because it will be overwritten.
func checkStatus(pod *Pod) *field.Error {
	path := annotationPath(AnnotationStatus)
	switch status := statusOf(pod); {
	case status == nil:
		return field.Forbidden(path, "only the injector sets it: remove the annotation")
	case status.Reason == ReasonInjected:
		return field.Forbidden(path, fmt.Sprintf("says that PCP is injected, but there is no container %q: remove the annotation", ContainerName))
	}
	return nil
}

func (i *Injector) checkAllowed(key string, override config.Override) *field.Error {
	if slices.Contains(i.cfg.Overrides.Allow, override) {
		return nil
	}
	return field.Forbidden(annotationPath(key), fmt.Sprintf("the injector's configuration does not list %q in overrides.allow: remove the annotation, or ask the administrator", override))
}

// parseServices returns the services in the image's order.
func parseServices(value string) ([]config.Service, field.ErrorList) {
	if problem := tooLong(AnnotationServices, value, maxList); problem != nil {
		return nil, field.ErrorList{problem}
	}
	var named, services []config.Service
	for _, word := range splitList(value) {
		named = append(named, config.Service(word))
	}
	for _, service := range config.Services {
		if slices.Contains(named, service) {
			services = append(services, service)
		}
	}
	return services, config.CheckServices(annotationPath(AnnotationServices), named)
}

// listeningAgents accept data from anybody on all addresses, and the chart's NetworkPolicy does not know their ports
// (https://man7.org/linux/man-pages/man1/pmdatrace.1.html, https://man7.org/linux/man-pages/man1/pmdastatsd.1.html).
var listeningAgents = map[string]string{"trace": "TCP port 4323", "statsd": "UDP port 8125"}

// parseAgents refuses agents that listen on a port, unless the administrator has added them.
func (i *Injector) parseAgents(value string) ([]string, field.ErrorList) {
	if problem := tooLong(AnnotationDomainAgents, value, maxList); problem != nil {
		return nil, field.ErrorList{problem}
	}
	path, agents := annotationPath(AnnotationDomainAgents), splitList(value)
	problems := config.CheckDomainAgents(path, agents)
	for n, agent := range agents {
		if port, listens := listeningAgents[agent]; listens && !slices.Contains(i.cfg.Container.DomainAgents, agent) {
			problems = append(problems, field.Forbidden(path.Index(n), fmt.Sprintf("%s listens on %s of all addresses: remove it, or ask the administrator to add it to container.domainAgents", agent, port)))
		}
	}
	return agents, problems
}

func splitList(value string) []string {
	words := strings.Split(value, ",")
	for n := range words {
		words[n] = strings.TrimSpace(words[n])
	}
	return words
}

func appendProblem(problems field.ErrorList, problem *field.Error) field.ErrorList {
	if problem == nil {
		return problems
	}
	return append(problems, problem)
}

// source is one OpenMetrics source that travels in the pod, as an annotation.
type source struct {
	// name by which PCP knows it: openmetrics.<name>.*
	name string
	// key of the annotation that holds the .url file.
	key string
	// content of that annotation if the injector has to add it; empty if the pod's author wrote it.
	content string
}

// authorSources are the sources that the pod's author wrote. A pod may not read files: with host monitoring, a file URL
// would open the node's files to anyone who may annotate a pod.
func (i *Injector) authorSources(annotations map[string]string, budget *work.Budget) ([]source, field.ErrorList) {
	keys := sourceKeys(annotations)
	problems := checkSources(annotations, keys, budget)
	var sources []source
	for _, key := range keys {
		name := strings.TrimPrefix(key, OpenMetricsPrefix)
		safe, err := config.SourceName(name)
		if err == nil {
			sources = append(sources, source{name: safe, key: key})
		} else if !isFull(problems) {
			problems = append(problems, field.Invalid(annotationPath(key), name, err.Error()))
		}
	}
	return sources, append(problems, i.checkSourceNames(sources)...)
}

// sourceKeys are the annotations that are sources, in order: what is too much is too much in every run.
func sourceKeys(annotations map[string]string) []string {
	var keys []string
	for key := range annotations {
		if strings.HasPrefix(key, OpenMetricsPrefix) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// checkSources checks the contents of sources, until the work exceeds the budget.
func checkSources(annotations map[string]string, keys []string, budget *work.Budget) field.ErrorList {
	var problems field.ErrorList
	for _, key := range keys {
		if isFull(problems) || budget.Exceeded() {
			break
		}
		problems = append(problems, checkSource(key, annotations[key], budget)...)
	}
	return problems
}

func checkSource(key, content string, budget *work.Budget) field.ErrorList {
	if problem := tooLong(key, content, maxSource); problem != nil {
		return field.ErrorList{problem}
	}
	var problems field.ErrorList
	for _, err := range config.CheckSourceFile(content, config.PodAuthor, budget) {
		problems = append(problems, field.Invalid(annotationPath(key), field.OmitValueType{}, err.Error()))
	}
	return problems
}

func (i *Injector) checkSourceNames(sources []source) field.ErrorList {
	var problems field.ErrorList
	if !i.cfg.OpenMetrics.Enabled {
		for _, s := range sources {
			problems = append(problems, field.Forbidden(annotationPath(s.key), "the injector's configuration has openMetrics.enabled: false: remove the annotation, or ask the administrator"))
		}
	}
	first := map[string]string{} // the key of a source, by its name
	for _, s := range sources {
		if isFull(problems) {
			break
		}
		if i.endpoints.Has(s.name) {
			problems = append(problems, field.Invalid(annotationPath(s.key), s.name, fmt.Sprintf("openMetrics.endpoints of the injector's configuration already has a source %q: choose another name", s.name)))
		}
		if twin, taken := first[s.name]; taken {
			problems = append(problems, field.Invalid(annotationPath(s.key), s.name, fmt.Sprintf("%s defines the same source %q, because dashes and dots become underscores: rename one", twin, s.name)))
			continue
		}
		first[s.name] = s.key
	}
	return problems
}

func indexOfSource(sources []source, name string) int {
	return slices.IndexFunc(sources, func(other source) bool { return other.name == name })
}
