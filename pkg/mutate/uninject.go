package mutate

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"gomodules.xyz/jsonpatch/v2"
)

// Uninject builds the patch that removes from a pod what an Injector added, guided by the status annotation. A pod without one gets an
// empty patch. A status that names what no Injector adds is an error, because anyone may have edited the annotation.
func Uninject(pod *Pod) ([]jsonpatch.Operation, error) {
	text, present := pod.Metadata.Annotations[AnnotationStatus]
	if !present {
		return nil, nil
	}
	status := statusOf(pod)
	if status == nil {
		return nil, fmt.Errorf("metadata.annotations[%s]: %.64q is not a status that the injector wrote: remove PCP by hand", AnnotationStatus, text)
	}
	if err := status.check(); err != nil {
		return nil, fmt.Errorf("metadata.annotations[%s]: %w", AnnotationStatus, err)
	}
	return status.undo(pod), nil
}

// check refuses names that an Injector never adds.
func (s *Status) check() error {
	isContainer := func(name string) bool { return slices.Contains(OwnContainers, name) }
	isVolume := func(name string) bool { return strings.HasPrefix(name, VolumePrefix) }
	isAnnotation := func(key string) bool {
		known := knownAnnotation(key)
		return known != nil && known.Written || key == AnnotationSafeToEvict || strings.HasPrefix(key, OpenMetricsPrefix)
	}
	isLabel := func(key string) bool { return key == LabelInjected }
	isField := func(path string) bool {
		return slices.Contains([]string{fieldLabels, fieldInitContainers, fieldVolumes, fieldHostNetwork, fieldDNSPolicy, fieldHostname}, path)
	}
	for _, group := range []struct {
		names []string
		known func(string) bool
	}{
		{s.Added.Containers, isContainer},
		{s.Added.InitContainers, isContainer},
		{s.Added.Volumes, isVolume},
		{s.Added.Annotations, isAnnotation},
		{s.Added.Labels, isLabel},
		{s.Added.Fields, isField},
		{slices.Collect(maps.Keys(s.Replaced)), isField},
	} {
		for _, name := range group.names {
			if !group.known(name) {
				return fmt.Errorf("names %q, which the injector never adds: remove PCP by hand", name)
			}
		}
	}
	return nil
}

func (s *Status) undo(pod *Pod) []jsonpatch.Operation {
	var ops []jsonpatch.Operation
	spec := &pod.Spec
	ops = append(ops, s.removeItems(fieldContainers, containerNames(spec.Containers), s.Added.Containers)...)
	ops = append(ops, s.removeItems(fieldInitContainers, containerNames(spec.InitContainers), s.Added.InitContainers)...)
	ops = append(ops, s.removeItems(fieldVolumes, volumeNames(spec.Volumes), s.Added.Volumes)...)
	ops = append(ops, s.removeKeys(fieldLabels, pod.Metadata.Labels, s.Added.Labels)...)
	ops = append(ops, s.removeKeys(fieldAnnotations, pod.Metadata.Annotations, s.Added.Annotations)...)
	return append(ops, s.restoreFields(spec)...)
}

// removeItems removes items from a list, the last first so positions hold, or the whole list if it was added and holds nobody else's item.
func (s *Status) removeItems(path string, present, added []string) []jsonpatch.Operation {
	ours := func(name string) bool { return slices.Contains(added, name) }
	if slices.Contains(s.Added.Fields, path) && len(present) > 0 && !slices.ContainsFunc(present, func(name string) bool { return !ours(name) }) {
		return []jsonpatch.Operation{remove(path)}
	}
	var ops []jsonpatch.Operation
	for n, name := range slices.Backward(present) {
		if ours(name) {
			ops = append(ops, remove(path+"/"+strconv.Itoa(n)))
		}
	}
	return ops
}

func (s *Status) removeKeys(path string, present map[string]string, added []string) []jsonpatch.Operation {
	var ops []jsonpatch.Operation
	for _, key := range added {
		if _, ok := present[key]; ok {
			ops = append(ops, remove(path+"/"+escape(key)))
		}
	}
	if slices.Contains(s.Added.Fields, path) && len(ops) > 0 && len(ops) == len(present) {
		return []jsonpatch.Operation{remove(path)}
	}
	return ops
}

// restoreFields removes the pod-level fields that were added, if they are still there, and restores the replaced ones.
func (s *Status) restoreFields(spec *Spec) []jsonpatch.Operation {
	var ops []jsonpatch.Operation
	for path, present := range map[string]bool{
		fieldDNSPolicy: spec.DNSPolicy != nil, fieldHostNetwork: spec.HostNetwork != nil, fieldHostname: spec.Hostname != nil,
	} {
		if former, replaced := s.Replaced[path]; replaced {
			ops = append(ops, jsonpatch.NewOperation("add", path, former))
		} else if present && slices.Contains(s.Added.Fields, path) {
			ops = append(ops, remove(path))
		}
	}
	slices.SortFunc(ops, func(a, b jsonpatch.Operation) int { return strings.Compare(a.Path, b.Path) })
	return ops
}

func remove(path string) jsonpatch.Operation {
	return jsonpatch.NewOperation("remove", path, nil)
}

func containerNames(containers []Container) []string {
	names := make([]string, len(containers))
	for n, c := range containers {
		names[n] = c.Name
	}
	return names
}

func volumeNames(volumes []Named) []string {
	names := make([]string, len(volumes))
	for n, v := range volumes {
		names[n] = v.Name
	}
	return names
}
