package mutate

import (
	"encoding/json"
	"fmt"
	"slices"

	"gomodules.xyz/jsonpatch/v2"
	corev1 "k8s.io/api/core/v1"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// pmlogconfGroup archives OpenMetrics sources, which pmlogger's stock rule misses because it probes before the agent is up. pmlogger
// itself may start before it, too: a group in which it finds no metric then is never scheduled, even when there are some later
// (seen with PCP 6.3.8). Hence pmcd.numagents, which is always there.
const pmlogconfGroup = "#pmlogconf-setup 2.0\nident\tOpenMetrics\nforce\tinclude\ndelta\t30 seconds\n\tpmcd.numagents\n\topenmetrics\n"

// sidecar is all that a pod gets, marshaled, as the values of operations.
type sidecar struct {
	container      any
	initContainer  any
	volumes        []any
	volumeNames    []string
	annotations    []jsonpatch.Operation
	annotationKeys []string
	resources      Resources
}

// buildStandard marshals what pods without overrides get, once for each shape.
func (i *Injector) buildStandard() error {
	for _, native := range []bool{false, true} {
		for _, hostNetwork := range []bool{false, true} {
			for _, podResources := range []bool{false, true} {
				s := shape{native: native, hostNetwork: hostNetwork, onLoopback: i.cfg.Container.Listen.OnLoopback(hostNetwork), podResources: podResources}
				built, err := i.build(&wish{shape: s, services: i.cfg.Container.Services, agents: i.cfg.Container.DomainAgents})
				if err != nil {
					return err
				}
				i.standard[s] = built
			}
		}
	}
	return nil
}

// sidecarFor returns the prepared sidecar where the pod has no wishes of its own.
func (i *Injector) sidecarFor(w *wish) (*sidecar, error) {
	switch {
	case w.custom:
		return i.build(w)
	case len(w.sources) > 0:
		return i.withSources(i.standard[w.shape], w)
	}
	return i.standard[w.shape], nil
}

// withSources changes what the pod's own sources change: one volume, and the annotations of discovered ones.
func (i *Injector) withSources(standard *sidecar, w *wish) (*sidecar, error) {
	changed, volume := *standard, i.openMetricsVolume(w)
	raw, err := marshal("volume "+volume.Name, volume)
	if err != nil {
		return nil, err
	}
	changed.volumes = slices.Clone(standard.volumes)
	changed.volumes[slices.Index(standard.volumeNames, volume.Name)] = raw
	changed.annotations, changed.annotationKeys = slices.Clone(standard.annotations), slices.Clone(standard.annotationKeys)
	changed.addSources(w)
	return &changed, nil
}

func (i *Injector) build(w *wish) (*sidecar, error) {
	container := i.container(w)
	s := &sidecar{annotationKeys: []string{AnnotationStatus}}
	i.addAnnotations(s, w)
	for _, volume := range i.volumes(w) {
		raw, err := marshal("volume "+volume.Name, volume)
		if err != nil {
			return nil, err
		}
		s.volumes, s.volumeNames = append(s.volumes, raw), append(s.volumeNames, volume.Name)
	}
	var err error
	if s.container, err = marshal("container", container); err != nil {
		return nil, err
	}
	if init := i.fixOwnership(w); init != nil {
		if s.initContainer, err = marshal("init container", init); err != nil {
			return nil, err
		}
	}
	s.resources, err = viewOf(container.Resources)
	return s, err
}

// addAnnotations adds the files that travel in the pod.
func (i *Injector) addAnnotations(s *sidecar, w *wish) {
	if i.archivesOpenMetrics(w) {
		s.addAnnotation(AnnotationPmlogconf, pmlogconfGroup)
	}
	s.addSources(w)
}

func (s *sidecar) addSources(w *wish) {
	for _, source := range w.sources {
		if source.content != "" {
			s.addAnnotation(source.key, source.content)
		}
	}
}

func (s *sidecar) addAnnotation(key, value string) {
	s.annotations = append(s.annotations, annotate(key, value))
	s.annotationKeys = append(s.annotationKeys, key)
}

func (i *Injector) hidesProcesses(w *wish) bool {
	return !i.cfg.HostMonitoring.ProcessDetails && w.runs(config.ServicePMCD)
}

func (i *Injector) archivesOpenMetrics(w *wish) bool {
	return i.readsOpenMetrics(w) && i.cfg.OpenMetrics.Archive && w.runs(config.ServicePMLogger)
}

// readsOpenMetrics: the agent is pmcd's.
func (i *Injector) readsOpenMetrics(w *wish) bool {
	return i.cfg.OpenMetrics.Enabled && w.runs(config.ServicePMCD)
}

func (w *wish) runs(service config.Service) bool {
	return slices.Contains(w.services, service)
}

// viewOf gives the container's resources the form that those of the pod's own containers have.
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
