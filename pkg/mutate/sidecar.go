package mutate

import (
	"encoding/json"
	"fmt"
	"slices"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"
)

// pmlogconfGroup archives OpenMetrics sources. pmlogger's stock rule misses them, because it probes before the agent is up. pmlogger itself
// may start before the agent, too, and never schedules a group in which it then finds no metric, even if some appear later (seen with PCP
// 6.3.8). Hence pmcd.numagents, which is always there.
const pmlogconfGroup = "#pmlogconf-setup 2.0\nident\tOpenMetrics\nforce\tinclude\ndelta\t%d seconds\n\tpmcd.numagents\n\topenmetrics\n"

// sidecar is all that a pod gets, marshaled as the values of operations.
type sidecar struct {
	container      any
	initContainer  any
	volumes        []any
	volumeNames    []string
	annotations    []jsonpatch.Operation
	annotationKeys []string
	resources      Resources
}

// buildStandard marshals what pods without overrides get, once for each variant.
func (i *Injector) buildStandard() error {
	for _, native := range []bool{false, true} {
		for _, hostNetwork := range []bool{false, true} {
			for _, podResources := range []bool{false, true} {
				v := variant{native: native, hostNetwork: hostNetwork, onLoopback: i.cfg.Container.Listen.OnLoopback(hostNetwork), podResources: podResources}
				built, err := i.build(&settings{variant: v, services: i.cfg.Container.Services, agents: i.cfg.Container.DomainAgents})
				if err != nil {
					return err
				}
				i.standard[v] = built
			}
		}
	}
	return nil
}

// sidecarFor returns the prepared sidecar if the pod overrides nothing.
func (i *Injector) sidecarFor(s *settings) (*sidecar, error) {
	switch {
	case s.custom:
		return i.build(s)
	case len(s.sources) > 0:
		return i.withSources(i.standard[s.variant], s)
	}
	return i.standard[s.variant], nil
}

// withSources changes what depends on the pod's own sources: one volume, and the annotations of discovered ones.
func (i *Injector) withSources(standard *sidecar, s *settings) (*sidecar, error) {
	changed, volume := *standard, i.openMetricsVolume(s)
	raw, err := marshal("volume "+volume.Name, volume)
	if err != nil {
		return nil, err
	}
	changed.volumes = slices.Clone(standard.volumes)
	changed.volumes[slices.Index(standard.volumeNames, volume.Name)] = raw
	changed.annotations, changed.annotationKeys = slices.Clone(standard.annotations), slices.Clone(standard.annotationKeys)
	changed.addSources(s)
	return &changed, nil
}

func (i *Injector) build(s *settings) (*sidecar, error) {
	container := i.container(s)
	sc := &sidecar{annotationKeys: []string{AnnotationStatus}}
	i.addAnnotations(sc, s)
	for _, volume := range i.volumes(s) {
		raw, err := marshal("volume "+volume.Name, volume)
		if err != nil {
			return nil, err
		}
		sc.volumes, sc.volumeNames = append(sc.volumes, raw), append(sc.volumeNames, volume.Name)
	}
	var err error
	if sc.container, err = marshal("container", container); err != nil {
		return nil, err
	}
	if init := i.fixOwnership(s); init != nil {
		if sc.initContainer, err = marshal("init container", init); err != nil {
			return nil, err
		}
	}
	sc.resources, err = viewOf(container.Resources)
	return sc, err
}

// addAnnotations adds the files that travel in the pod as annotations.
func (i *Injector) addAnnotations(sc *sidecar, s *settings) {
	if i.archivesOpenMetrics(s) {
		sc.addAnnotation(AnnotationPmlogconf, fmt.Sprintf(pmlogconfGroup, i.cfg.OpenMetrics.Interval))
	}
	sc.addSources(s)
}

func (sc *sidecar) addSources(s *settings) {
	for _, source := range s.sources {
		if source.content != "" {
			sc.addAnnotation(source.key, source.content)
		}
	}
}

func (sc *sidecar) addAnnotation(key, value string) {
	sc.annotations = append(sc.annotations, annotate(key, value))
	sc.annotationKeys = append(sc.annotationKeys, key)
}

// viewOf converts the container's resources to the form of those of the pod's own containers.
func viewOf(resources corev1.ResourceRequirements) (Resources, error) {
	var view Resources
	raw, err := marshal("resources", resources)
	if err != nil {
		return view, err
	}
	if err := json.Unmarshal(raw, &view); err != nil {
		return view, fmt.Errorf("failed to read the resources back: %w", err)
	}
	return view, nil
}

func marshal(what string, object any) (json.RawMessage, error) {
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("failed to encode the %s: %w", what, err)
	}
	return raw, nil
}
