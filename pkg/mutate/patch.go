package mutate

import (
	"strings"

	"gomodules.xyz/jsonpatch/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// edit collects operations and, for Uninject, what they add and replace.
type edit struct {
	pod    *Pod
	ops    []jsonpatch.Operation
	status Status
}

// inject builds the patch: adds to lists and maps, and replaces of the pod-level fields that the configuration names.
func (i *Injector) inject(req Request, w *wish) Decision {
	sidecar, err := i.sidecarFor(w)
	if err != nil {
		return Decision{Reason: ReasonIncompatible, Problems: field.ErrorList{field.InternalError(nil, err)}}
	}
	decision := Decision{Reason: ReasonInjected, Warnings: w.warnings}
	i.advise(&decision, req.Pod, w, sidecar)
	e := &edit{pod: req.Pod, ops: make([]jsonpatch.Operation, 0, 16)}
	e.status = Status{Version: i.version, Config: i.hash, Reason: ReasonInjected}
	for _, warning := range decision.Warnings {
		e.status.Warnings = append(e.status.Warnings, warning.Code+": "+warning.Message)
	}
	i.editPodFields(e, w)
	e.addContainers(sidecar, w.native)
	e.addVolumes(sidecar)
	e.addMetadata(sidecar)
	decision.Patch, decision.Status = e.ops, &e.status
	return decision
}

// editPodFields sets what a container cannot say for itself.
func (i *Injector) editPodFields(e *edit, w *wish) {
	spec := &e.pod.Spec
	if i.wantsHostNetwork() && !isTrue(spec.HostNetwork) {
		setField(e, fieldHostNetwork, spec.HostNetwork, true)
		// With ClusterFirst, a pod on the node's network resolves no names of the cluster.
		if spec.DNSPolicy == nil || *spec.DNSPolicy == "ClusterFirst" {
			setField(e, fieldDNSPolicy, spec.DNSPolicy, "ClusterFirstWithHostNet")
		}
	}
	if i.setsHostname(e.pod, w.shape) {
		setField(e, fieldHostname, spec.Hostname, i.hostname)
	}
}

// setField adds a field, or replaces it and keeps the former value for Uninject.
func setField[T any](e *edit, path string, former *T, value T) {
	if former == nil {
		e.add(path, value)
		e.status.Added.Fields = append(e.status.Added.Fields, path)
		return
	}
	if e.status.Replaced == nil {
		e.status.Replaced = map[string]any{}
	}
	e.status.Replaced[path] = *former
	e.ops = append(e.ops, jsonpatch.NewOperation("replace", path, value))
}

func (e *edit) addContainers(s *sidecar, native bool) {
	added := &e.status.Added
	var inits []any
	if s.initContainer != nil {
		inits = append(inits, s.initContainer)
		added.InitContainers = append(added.InitContainers, InitContainerName)
	}
	if native {
		inits = append(inits, s.container)
		added.InitContainers = append(added.InitContainers, ContainerName)
	} else {
		e.add(fieldContainers+"/-", s.container)
		added.Containers = []string{ContainerName}
	}
	e.addToList(fieldInitContainers, e.pod.Spec.InitContainers == nil, inits)
}

func (e *edit) addVolumes(s *sidecar) {
	e.status.Added.Volumes = s.volumeNames
	e.addToList(fieldVolumes, e.pod.Spec.Volumes == nil, s.volumes)
}

// addToList appends to a list that the pod has, or adds the list.
func (e *edit) addToList(path string, absent bool, items []any) {
	if len(items) == 0 {
		return
	}
	if absent {
		e.add(path, items)
		e.status.Added.Fields = append(e.status.Added.Fields, path)
		return
	}
	end := path + "/-"
	for _, item := range items {
		e.add(end, item)
	}
}

// addMetadata comes last: the status tells all that was added.
func (e *edit) addMetadata(s *sidecar) {
	added := &e.status.Added
	added.Labels = []string{LabelInjected}
	if e.pod.Metadata.Labels == nil {
		e.add(fieldLabels, map[string]string{LabelInjected: "true"})
		added.Fields = append(added.Fields, fieldLabels)
	} else {
		e.add(pathInjected, "true")
	}
	added.Annotations = s.annotationKeys
	e.ops = append(e.ops, s.annotations...)
	e.add(pathStatus, e.status.String())
}

func (e *edit) add(path string, value any) {
	e.ops = append(e.ops, jsonpatch.NewOperation("add", path, value))
}

// annotate relies on the annotations that a pod which asks for PCP has.
func annotate(key, value string) jsonpatch.Operation {
	return jsonpatch.NewOperation("add", fieldAnnotations+"/"+escape(key), value)
}

// The paths that every patch has.
var (
	pathInjected = fieldLabels + "/" + escape(LabelInjected)
	pathStatus   = fieldAnnotations + "/" + escape(AnnotationStatus)
)

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// escape makes a key a part of a JSON pointer (RFC 6901).
func escape(key string) string { return pointerEscapes.Replace(key) }
