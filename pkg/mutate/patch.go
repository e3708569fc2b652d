package mutate

import (
	"encoding/json"
	"slices"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/internal/quote"
)

// patchBuilder collects operations, and for Uninject what they add and replace.
type patchBuilder struct {
	pod    *Pod
	ops    []jsonpatch.Operation
	status Status
}

// inject builds the patch. It adds to lists and maps, and replaces only pod-level fields that the configuration sets.
func (i *Injector) inject(req Request, s *settings) Decision {
	sidecar, err := i.sidecarFor(s)
	if err != nil {
		return Decision{Reason: ReasonIncompatible, Problems: field.ErrorList{field.InternalError(nil, err)}}
	}
	decision := Decision{Reason: ReasonInjected, Warnings: s.warnings}
	i.advise(&decision, req.Pod, s, sidecar)
	b := &patchBuilder{pod: req.Pod, ops: make([]jsonpatch.Operation, 0, 16)}
	b.status = Status{Version: i.version, Config: i.hash, Reason: ReasonInjected}
	for _, warning := range decision.Warnings {
		b.status.Warnings = append(b.status.Warnings, warning.Code+": "+warning.Message)
	}
	i.setPodFields(b, s)
	b.addContainers(sidecar, s.native)
	b.addVolumes(sidecar)
	b.addMetadata(sidecar, i.safeToEvict())
	decision.Patch, decision.Status = b.ops, &b.status
	return decision
}

// setPodFields sets what no container can set for itself.
func (i *Injector) setPodFields(b *patchBuilder, s *settings) {
	spec := &b.pod.Spec
	if i.wantsHostNetwork() && !isTrue(spec.HostNetwork) {
		setField(b, fieldHostNetwork, spec.HostNetwork, true)
		// With ClusterFirst, a pod on the node's network resolves no names of the cluster.
		if spec.DNSPolicy == nil || *spec.DNSPolicy == "ClusterFirst" {
			setField(b, fieldDNSPolicy, spec.DNSPolicy, "ClusterFirstWithHostNet")
		}
	}
	if i.setsHostname(b.pod, s.variant) {
		setField(b, fieldHostname, spec.Hostname, i.hostname)
	}
}

// setField adds a field, or replaces it and keeps the former value for Uninject.
func setField[T any](b *patchBuilder, path string, former *T, value T) {
	if former == nil {
		b.add(path, value)
		b.status.Added.Fields = append(b.status.Added.Fields, path)
		return
	}
	if b.status.Replaced == nil {
		b.status.Replaced = map[string]any{}
	}
	b.status.Replaced[path] = *former
	b.ops = append(b.ops, jsonpatch.NewOperation("replace", path, value))
}

func (b *patchBuilder) addContainers(sc *sidecar, native bool) {
	added := &b.status.Added
	var inits []any
	if sc.initContainer != nil {
		inits = append(inits, sc.initContainer)
		added.InitContainers = append(added.InitContainers, InitContainerName)
	}
	if native {
		inits = append(inits, sc.container)
		added.InitContainers = append(added.InitContainers, ContainerName)
	} else {
		b.add(fieldContainers+"/-", sc.container)
		added.Containers = []string{ContainerName}
	}
	b.addToList(fieldInitContainers, b.pod.Spec.InitContainers == nil, inits)
}

func (b *patchBuilder) addVolumes(sc *sidecar) {
	b.status.Added.Volumes = sc.volumeNames
	b.addToList(fieldVolumes, b.pod.Spec.Volumes == nil, sc.volumes)
}

// addToList appends to a list that the pod has, or adds the list.
func (b *patchBuilder) addToList(path string, absent bool, items []any) {
	if len(items) == 0 {
		return
	}
	if absent {
		b.add(path, items)
		b.status.Added.Fields = append(b.status.Added.Fields, path)
		return
	}
	end := path + "/-"
	for _, item := range items {
		b.add(end, item)
	}
}

// addMetadata comes last, because the status lists everything that was added.
func (b *patchBuilder) addMetadata(sc *sidecar, safeToEvict string) {
	added := &b.status.Added
	added.Labels = []string{LabelInjected}
	if b.pod.Metadata.Labels == nil {
		b.add(fieldLabels, map[string]string{LabelInjected: "true"})
		added.Fields = append(added.Fields, fieldLabels)
	} else {
		b.add(pathInjected, "true")
	}
	added.Annotations = sc.annotationKeys
	b.ops = append(b.ops, sc.annotations...)
	if _, present := b.pod.Metadata.Annotations[AnnotationSafeToEvict]; !present && safeToEvict != "" {
		b.ops = append(b.ops, annotate(AnnotationSafeToEvict, safeToEvict))
		added.Annotations = append(slices.Clip(added.Annotations), AnnotationSafeToEvict)
	}
	b.add(pathStatus, b.status.String())
}

func (b *patchBuilder) add(path string, value any) {
	b.ops = append(b.ops, jsonpatch.NewOperation("add", path, value))
}

// annotate relies on the annotations of a pod that asks for PCP.
func annotate(key, value string) jsonpatch.Operation {
	return jsonpatch.NewOperation("add", fieldAnnotations+"/"+escape(key), value)
}

// The paths that every patch has.
var (
	pathInjected = fieldLabels + "/" + escape(LabelInjected)
	pathStatus   = fieldAnnotations + "/" + escape(AnnotationStatus)
)

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// escape escapes a key for a JSON pointer (RFC 6901).
func escape(key string) string { return pointerEscapes.Replace(key) }

// The fields that the injector adds to or replaces, as JSON pointers (RFC 6901).
const (
	fieldLabels         = "/metadata/labels"
	fieldAnnotations    = "/metadata/annotations"
	fieldContainers     = "/spec/containers"
	fieldInitContainers = "/spec/initContainers"
	fieldVolumes        = "/spec/volumes"
	fieldHostNetwork    = "/spec/hostNetwork"
	fieldDNSPolicy      = "/spec/dnsPolicy"
	fieldHostname       = "/spec/hostname"
)

// Status is the value of the annotation pcp.io/status: what was done to the pod and by which injector, or why nothing was. Uninject works
// from it.
type Status struct {
	// Version of the injector.
	Version string `json:"version"`
	// Config is the hash of the configuration.
	Config string `json:"config"`
	// Reason of the decision.
	Reason Reason `json:"reason"`
	// Message says why a pod was left out.
	Message string `json:"message,omitempty"`
	// Warnings say what will work badly, each with its code. If a controller creates the pod, its user sees them nowhere else.
	Warnings []string `json:"warnings,omitempty"`
	// Added to the pod, by name.
	Added Added `json:"added"`
	// Replaced are the former values of pod-level fields, by JSON pointer.
	Replaced map[string]any `json:"replaced,omitempty"`
}

// Added is what the pod did not have before.
type Added struct {
	Containers     []string `json:"containers,omitempty"`
	InitContainers []string `json:"initContainers,omitempty"`
	Volumes        []string `json:"volumes,omitempty"`
	Annotations    []string `json:"annotations,omitempty"`
	Labels         []string `json:"labels,omitempty"`
	// Fields that were absent, as JSON pointers.
	Fields []string `json:"fields,omitempty"`
}

// String is the JSON of the status, as json.Marshal writes it.
func (s *Status) String() string {
	text := append(make([]byte, 0, 1024), '{')
	text = appendText(text, "version", s.Version)
	text = appendText(text, "config", s.Config)
	text = appendText(text, "reason", string(s.Reason))
	if s.Message != "" {
		text = appendText(text, "message", s.Message)
	}
	text = appendList(text, "warnings", s.Warnings)
	text = s.Added.appendTo(appendName(text, "added"))
	if len(s.Replaced) > 0 {
		replaced, err := json.Marshal(s.Replaced)
		if err != nil {
			// Cannot happen: it holds strings and booleans.
			return err.Error()
		}
		text = append(appendName(text, "replaced"), replaced...)
	}
	return string(append(text, '}'))
}

func (a *Added) appendTo(text []byte) []byte {
	text = append(text, '{')
	text = appendList(text, "containers", a.Containers)
	text = appendList(text, "initContainers", a.InitContainers)
	text = appendList(text, "volumes", a.Volumes)
	text = appendList(text, "annotations", a.Annotations)
	text = appendList(text, "labels", a.Labels)
	text = appendList(text, "fields", a.Fields)
	return append(text, '}')
}

// appendName begins a member of an object.
func appendName(to []byte, name string) []byte {
	if to[len(to)-1] != '{' {
		to = append(to, ',')
	}
	return append(quote.Append(to, name), ':')
}

func appendText(to []byte, name, text string) []byte {
	return quote.Append(appendName(to, name), text)
}

// appendList omits an empty list.
func appendList(to []byte, name string, texts []string) []byte {
	if len(texts) == 0 {
		return to
	}
	to = append(appendName(to, name), '[')
	for n, text := range texts {
		if n > 0 {
			to = append(to, ',')
		}
		to = quote.Append(to, text)
	}
	return append(to, ']')
}

// statusOf reads the pod's status annotation; nil if there is none that the injector wrote.
func statusOf(pod *Pod) *Status {
	text, present := pod.Metadata.Annotations[AnnotationStatus]
	if !present || len(text) > maxStatus {
		return nil
	}
	var status Status
	if err := json.Unmarshal([]byte(text), &status); err != nil || status.Reason == "" {
		return nil
	}
	return &status
}
