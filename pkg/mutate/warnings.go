package mutate

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// The stable codes of warnings, beside the reasons NotDesignated and UntrustedCreator.
const (
	warnStale             = "StaleConfiguration"
	warnDiscovery         = "Discovery"
	warnGracePeriod       = "GracePeriod"
	warnQoS               = "QoSChanged"
	warnHostUsers         = "HostUsers"
	warnHostNetwork       = "HostNetworkExposed"
	warnLoopback          = "LoopbackOnly"
	warnAcceptsWrites     = "AcceptsWrites"
	warnAgentListens      = "AgentListens"
	warnProcessDetails    = "ProcessDetails"
	warnSmallVolume       = "SmallVolume"
	warnHostname          = "UnstableHostname"
	warnReadiness         = "ReadinessPort"
	warnProbePort         = "ProbePort"
	warnCPULimit          = "CPULimit"
	warnPodResources      = "PodLevelResources"
	warnReplicas          = "Replicas"
	warnStrategy          = "SurgingStrategy"
	minGracePeriodSeconds = 30
	maxWarning            = 256
)

// hostVolumeSize is what the archives of a monitored node need: 290 MB a day before compression, 14 days kept.
var hostVolumeSize = resource.MustParse("10Gi")

// advise warns about what will work, but badly.
func (i *Injector) advise(d *Decision, pod *Pod, w *wish, s *sidecar) {
	if grace := pod.Spec.TerminationGracePeriodSeconds; grace != nil && *grace < minGracePeriodSeconds {
		d.warn(warnGracePeriod, "spec.terminationGracePeriodSeconds is %d: PCP needs up to 13 s to stop while agents install, set %d or more", *grace, minGracePeriodSeconds)
	}
	if before, after := qosBefore(pod), qosAfter(pod, s); !w.podResources && before != after {
		d.warn(warnQoS, "the pod's QoS class changes from %s to %s by PCP's resources", before, after)
	}
	if w.podResources {
		requests := i.cfg.Container.Resources.Requests
		d.warn(warnPodResources, "spec.resources is shared by all containers: leave %s cpu and %s memory in it for PCP, which gets no requests or limits of its own", requests.Cpu(), requests.Memory())
	}
	if pod.Spec.HostUsers != nil && !*pod.Spec.HostUsers {
		d.warn(warnHostUsers, "spec.hostUsers is false: PCP is privileged only within the pod's user namespace, and some of its metrics will be missing")
	}
	i.adviseOnArchives(d, pod, w)
	i.adviseOnExposure(d, w)
}

// adviseOnArchives warns about archives that will be lost or fill their volume.
func (i *Injector) adviseOnArchives(d *Decision, pod *Pod, w *wish) {
	if _, limited := i.cfg.Container.Resources.Limits["cpu"]; limited {
		d.warn(warnCPULimit, "container.resources.limits.cpu is set: PCP's agents may start late or never, leave it out")
	}
	if !w.runs(config.ServicePMLogger) {
		return
	}
	archives := i.cfg.Persistence.PMLogger
	if i.cfg.HostMonitoring.Enabled && archives.Size != nil && archives.Size.Cmp(hostVolumeSize) < 0 {
		d.warn(warnSmallVolume, "persistence.pmlogger.size is %s in the injector's configuration: the archives of a monitored node need about %s", archives.Size, &hostVolumeSize)
	}
	lasting := archives.Type == config.VolumePersistentVolumeClaim || archives.Type == config.VolumeHostPath
	if lasting && i.needsHostname(pod, w.shape) && !i.setsHostname(pod, w.shape) {
		remedy := "set stableHostname"
		if i.cfg.Target.Kind == config.KindDaemonSet {
			remedy = "set hostMonitoring.hostNetwork"
		}
		d.warn(warnHostname, "the host name changes with every pod: each starts a new folder of archives, and old ones are never culled; %s", remedy)
	}
}

// adviseOnExposure warns about data that others can read or write, and about a pod that the chart takes for one that others reach.
func (i *Injector) adviseOnExposure(d *Decision, w *wish) {
	switch {
	case w.hostNetwork && !w.onLoopback:
		d.warn(warnHostNetwork, "container.listen is %s: pmcd and pmproxy listen on the node's addresses without authentication, and no NetworkPolicy applies: guard ports %d to %d, or set %s",
			i.cfg.Container.Listen, PortPMCD, PortPMProxyTLS, config.ListenLoopback)
	case w.onLoopback && !i.cfg.Container.Listen.OnLoopback(i.wantsHostNetwork()):
		d.warn(warnLoopback, "spec.hostNetwork: pmcd and pmproxy listen on the node's loopback address alone, Services do not lead to them: use kubectl port-forward, or container.listen %s",
			config.ListenAllAddresses)
	}
	i.adviseOnProbes(d, w)
	for _, agent := range i.cfg.Container.DomainAgents {
		if port, listens := listeningAgents[agent]; listens {
			d.warn(warnAgentListens, "container.domainAgents has %s, which takes what anybody sends to %s of all addresses, whatever container.listen says: guard that port", agent, port)
		}
	}
	if i.cfg.HostMonitoring.ProcessDetails {
		d.warn(warnProcessDetails, "hostMonitoring.processDetails lets whoever reaches ports %d and %d read the environment of every process, secrets included", PortPMCD, PortPMProxy)
	}
	if i.cfg.Container.AcceptWrites && w.runs(config.ServicePMProxy) {
		d.warn(warnAcceptsWrites, "container.acceptWrites lets whoever reaches port %d store values of metrics and, from PCP 7 on, whole archives, until the volume is full", PortPMProxy)
	}
}

// adviseOnProbes warns about probes that the administrator set, and that another's service may answer, or nobody.
func (i *Injector) adviseOnProbes(d *Decision, w *wish) {
	probes := &i.cfg.Container.Probes
	for _, probe := range []struct {
		name    string
		handler corev1.ProbeHandler
	}{{"startup", probes.Startup.ProbeHandler}, {"liveness", probes.Liveness.ProbeHandler}, {"readiness", probes.Readiness.ProbeHandler}} {
		if _, asks := config.AskedService(probe.handler); asks && w.onLoopback {
			d.warn(warnProbePort, "container.probes.%s asks a port that is on the loopback address alone, where the kubelet does not reach it: the default is used instead", probe.name)
		}
	}
	if readiness := probes.Readiness; w.hostNetwork && !w.onLoopback && (readiness.TCPSocket != nil || readiness.HTTPGet != nil) {
		d.warn(warnReadiness, "container.probes.readiness asks a port of the node, where another pmcd may answer: leave it out, the default asks pmcd's own socket")
	}
}

func (d *Decision) warn(code, format string, arguments ...any) {
	d.Warnings = append(d.Warnings, newWarning(code, format, arguments...))
}

// warn is about discovery, the one wish that can be granted in part.
func (w *wish) warn(format string, arguments ...any) {
	w.warnings = append(w.warnings, newWarning(warnDiscovery, format, arguments...))
}

// newWarning keeps to the length up to which the API server promises to pass a warning on
// (https://pkg.go.dev/k8s.io/api/admission/v1#AdmissionResponse).
func newWarning(code, format string, arguments ...any) Warning {
	w := Warning{Code: code, Message: fmt.Sprintf(format, arguments...)}
	if excess := len(w.String()) - maxWarning; excess > 0 {
		w.Message = strings.ToValidUTF8(w.Message[:len(w.Message)-excess-3], "") + "..."
	}
	return w
}
