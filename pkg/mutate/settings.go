package mutate

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/internal/work"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// settings are what one pod gets: the configuration's settings, with the overrides of the pod's annotations.
type settings struct {
	variant
	services []config.Service
	agents   []string
	// custom: services, agents or intervals differ from the configuration.
	custom  bool
	sources []source
	// intervals of the pod's own sources, in seconds by name.
	intervals map[string]int32
	warnings  []Warning
}

// settingsOf reads the pod's annotations, reporting every one that is wrong or not allowed.
func (i *Injector) settingsOf(pod *Pod, budget *work.Budget) (settings, field.ErrorList) {
	s := settings{variant: i.variantOf(pod), services: i.cfg.Container.Services, agents: i.cfg.Container.DomainAgents}
	problems := i.checkKeys(pod)
	annotations := pod.Metadata.Annotations
	if value, present := annotations[AnnotationServices]; present {
		services, errs := parseServices(value)
		problems = append(problems, errs...)
		s.services, s.custom = services, true
	}
	if value, present := annotations[AnnotationDomainAgents]; present {
		agents, errs := i.parseAgents(value)
		problems = append(problems, errs...)
		s.agents, s.custom = append(slices.Clone(s.agents), agents...), true
	}
	own, errs := i.authorSources(annotations, budget)
	problems = append(problems, errs...)
	s.sources = own
	if !s.runs(config.ServicePMCD) {
		problems = append(problems, needPMCD(annotations, own)...)
	}
	if i.cfg.OpenMetrics.Discover {
		i.discover(pod, &s, budget)
	}
	if value, present := annotations[AnnotationIntervals]; present {
		problems = append(problems, i.addIntervals(value, &s)...)
	}
	return s, problems
}

func (i *Injector) hidesProcesses(s *settings) bool {
	return !i.cfg.HostMonitoring.ProcessDetails && s.runs(config.ServicePMCD)
}

func (i *Injector) archivesOpenMetrics(s *settings) bool {
	return i.readsOpenMetrics(s) && i.cfg.OpenMetrics.Archive && s.runs(config.ServicePMLogger)
}

// readsOpenMetrics: pmcd starts the agent.
func (i *Injector) readsOpenMetrics(s *settings) bool {
	return i.cfg.OpenMetrics.Enabled && s.runs(config.ServicePMCD)
}

// trustsMore: the agent also trusts the administrator's CAs.
func (i *Injector) trustsMore(s *settings) bool {
	return i.readsOpenMetrics(s) && i.cfg.OpenMetrics.CABundle.IsSet()
}

// callsWebhook: pmie calls the administrator's webhook.
func (i *Injector) callsWebhook(s *settings) bool {
	return i.cfg.PMIE.Webhook.IsSet() && s.runs(config.ServicePMIE)
}

// hasStockRules: pmie has additional stock rules.
func (i *Injector) hasStockRules(s *settings) bool {
	return len(i.cfg.PMIE.StockRules) > 0 && s.runs(config.ServicePMIE)
}

// hasRules: pmie has the administrator's rules.
func (i *Injector) hasRules(s *settings) bool {
	return i.cfg.PMIE.Rules.IsSet() && s.runs(config.ServicePMIE)
}

func (s *settings) runs(service config.Service) bool {
	return slices.Contains(s.services, service)
}

// variant is what changes the container besides the pod's annotations.
type variant struct {
	// native: PCP is an init container that restarts.
	native bool
	// hostNetwork: the pod uses, or will use, the node's network.
	hostNetwork bool
	// onLoopback: PCP listens on the loopback address alone.
	onLoopback bool
	// podResources: the pod as a whole has resources, which containers share.
	podResources bool
}

func (i *Injector) variantOf(pod *Pod) variant {
	hostNetwork := isTrue(pod.Spec.HostNetwork) || i.wantsHostNetwork()
	return variant{
		native:       i.isNative(pod),
		hostNetwork:  hostNetwork,
		onLoopback:   i.cfg.Container.Listen.OnLoopback(hostNetwork),
		podResources: pod.Spec.Resources != nil && len(pod.Spec.Resources.Requests)+len(pod.Spec.Resources.Limits) > 0,
	}
}

func (i *Injector) isNative(pod *Pod) bool {
	switch i.cfg.Container.Placement {
	case config.PlacementNativeSidecar:
		return true
	case config.PlacementContainer:
		return false
	case config.PlacementAuto:
	}
	return !restartsAlways(pod)
}

func restartsAlways(pod *Pod) bool {
	return pod.Spec.RestartPolicy == "" || pod.Spec.RestartPolicy == "Always"
}

func (i *Injector) wantsHostNetwork() bool {
	return i.cfg.HostMonitoring.Enabled && i.cfg.HostMonitoring.HostNetwork
}

// needsHostname reports whether the host name, and so the archives' folder, would change with every pod. On the node's network it is the
// node's name, and the controller of a StatefulSet names its pods' hosts itself.
func (i *Injector) needsHostname(pod *Pod, v variant) bool {
	named := pod.Spec.HostnameOverride != nil || (pod.Spec.Hostname != nil && *pod.Spec.Hostname != "")
	if named || v.hostNetwork || i.cfg.Target.Kind == config.KindStatefulSet {
		return false
	}
	return i.cfg.Target.Kind != config.KindPod || pod.Metadata.Name == ""
}

// setsHostname: the pods of a DaemonSet must not share a host name.
func (i *Injector) setsHostname(pod *Pod, v variant) bool {
	return i.cfg.StableHostname && i.cfg.Target.Kind != config.KindDaemonSet && i.needsHostname(pod, v)
}

// hostnameFor makes a host name from the target's name: without dots, and with at most 63 characters.
func hostnameFor(name string) string {
	name = strings.ReplaceAll(name, ".", "-")
	return strings.TrimRight(name[:min(len(name), 63)], "-")
}

func isTrue(value *bool) bool { return value != nil && *value }

func indexOf(containers []Container, name string) int {
	return slices.IndexFunc(containers, func(c Container) bool { return c.Name == name })
}
