package mutate

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// The stable codes of warnings. The reasons NotDesignated and UntrustedCreator are codes, too.
const (
	warnStale             = "StaleConfiguration"
	warnDiscovery         = "Discovery"
	warnGracePeriod       = "GracePeriod"
	warnQoS               = "QoSChanged"
	warnHostUsers         = "HostUsers"
	warnHostNetwork       = "HostNetworkExposed"
	warnLoopback          = "LoopbackOnly"
	warnAcceptsArchives   = "AcceptsArchives"
	warnAcceptsWrites     = "AcceptsWrites"
	warnAgentListens      = "AgentListens"
	warnProcessDetails    = "ProcessDetails"
	warnMutableImage      = "MutableImage"
	warnSmallVolume       = "SmallVolume"
	warnHostname          = "UnstableHostname"
	warnReadiness         = "ReadinessPort"
	warnProbePort         = "ProbePort"
	warnCPULimit          = "CPULimit"
	warnPodResources      = "PodLevelResources"
	warnReplicas          = "Replicas"
	warnStrategy          = "SurgingStrategy"
	minGracePeriodSeconds = 30
)

// What pmlogger writes in a day on a monitored node, measured with 2 CPUs, 100 processes and 200 OpenMetrics values: 456 MB at an interval
// of 10 s, 169 MB at 60 s. The daily compression reduces it to a quarter with gzip, and to less with zstd.
const (
	dailyBytes         = 112e6
	dailyBytesAtSecond = 3440e6
	compression        = 4
)

// daysThatFit is how many days of a monitored node's archives fit into the limit, one of them uncompressed.
func daysThatFit(archives *config.Archives) float64 {
	days := float64(archives.Limit()) / (dailyBytes + dailyBytesAtSecond/float64(archives.Interval))
	return days + max(days-1, 0)*(compression-1)
}

// advise warns about what will work badly.
func (i *Injector) advise(d *Decision, pod *Pod, s *settings, sc *sidecar) {
	if grace := pod.Spec.TerminationGracePeriodSeconds; grace != nil && *grace < minGracePeriodSeconds {
		d.warn(warnGracePeriod, "spec.terminationGracePeriodSeconds is %d: PCP needs up to 13 s to stop while agents install: set %d or more", *grace, minGracePeriodSeconds)
	}
	if before, after := qosBefore(pod), qosAfter(pod, sc); !s.podResources && before != after {
		d.warn(warnQoS, "PCP's resources change the pod's QoS class from %s to %s", before, after)
	}
	if s.podResources {
		requests := i.cfg.Container.Resources.Requests
		d.warn(warnPodResources, "all containers share spec.resources, and PCP has no requests or limits of its own: include %s cpu and %s memory for PCP", requests.Cpu(), requests.Memory())
	}
	if pod.Spec.HostUsers != nil && !*pod.Spec.HostUsers {
		d.warn(warnHostUsers, "spec.hostUsers is false: PCP is privileged only within the pod's user namespace, and some of its metrics will be missing")
	}
	if image := i.cfg.Container.Image; i.cfg.Container.ImageMoves() {
		d.warn(warnMutableImage, "container.image is %s, whose tag moves, so pods that start later may run another PCP: state a digest (%s@sha256:…) or the tag of a release", image, strings.TrimSuffix(image, ":latest"))
	}
	i.adviseOnArchives(d, pod, s)
	i.adviseOnExposure(d, s)
}

// adviseOnArchives warns about archives that will be lost.
func (i *Injector) adviseOnArchives(d *Decision, pod *Pod, s *settings) {
	if _, limited := i.cfg.Container.Resources.Limits["cpu"]; limited {
		d.warn(warnCPULimit, "container.resources.limits.cpu is set: PCP's agents may start late or never: remove it")
	}
	if !s.runs(config.ServicePMLogger) {
		return
	}
	archives := &i.cfg.Persistence.PMLogger
	if days := daysThatFit(archives); i.cfg.HostMonitoring.Enabled && archives.Limit() > 0 && days < float64(archives.Retention) {
		d.warn(warnSmallVolume, "about %.1f days of archives fit at persistence.pmlogger.interval %d with host monitoring, fewer than the %d of retention: older ones are removed; raise size or maxSize",
			days, archives.Interval, archives.Retention)
	}
	lasting := archives.Type == config.VolumePersistentVolumeClaim || archives.Type == config.VolumeHostPath
	if lasting && i.needsHostname(pod, s.variant) && !i.setsHostname(pod, s.variant) {
		remedy := "set stableHostname"
		if i.cfg.Target.Kind == config.KindDaemonSet {
			remedy = "set hostMonitoring.hostNetwork"
		}
		d.warn(warnHostname, "the host name changes with every pod, so each pod starts a new folder of archives, and none has the whole history: %s", remedy)
	}
}

// adviseOnExposure warns about data that others can read or write, and about a pod that Services cannot reach although the configuration
// lets them.
func (i *Injector) adviseOnExposure(d *Decision, s *settings) {
	switch {
	case s.hostNetwork && !s.onLoopback:
		d.warn(warnHostNetwork, "container.listen is %s: pmcd and pmproxy listen on the node's addresses without authentication, and no NetworkPolicy applies: protect ports %d to %d, or set %s",
			i.cfg.Container.Listen, PortPMCD, PortPMProxyTLS, config.ListenLoopback)
	case s.onLoopback && !i.cfg.Container.Listen.OnLoopback(i.wantsHostNetwork()):
		d.warn(warnLoopback, "spec.hostNetwork is true: pmcd and pmproxy listen on the node's loopback address only, so Services cannot reach them: use kubectl port-forward, or hostMonitoring.hostNetwork and container.listen %s",
			config.ListenAllAddresses)
	}
	i.adviseOnProbes(d, s)
	for _, agent := range i.cfg.Container.DomainAgents {
		if port, listens := listeningAgents[agent]; listens {
			d.warn(warnAgentListens, "container.domainAgents has %s, which accepts data from anyone on %s of all addresses, whatever container.listen is: protect that port", agent, port)
		}
	}
	if i.cfg.HostMonitoring.ProcessDetails {
		d.warn(warnProcessDetails, "hostMonitoring.processDetails lets anyone who can connect to ports %d and %d read the environment of every process, including secrets", PortPMCD, PortPMProxy)
	}
	if i.cfg.Container.AcceptArchives && s.runs(config.ServicePMProxy) {
		d.warn(warnAcceptsArchives, "container.acceptArchives lets anyone who can connect to port %d write archives, from PCP 7 on, for which the oldest are removed", PortPMProxy)
	}
	if i.cfg.Container.AcceptWrites && s.runs(config.ServicePMProxy) {
		d.warn(warnAcceptsWrites, "container.acceptWrites lets anyone who can connect to port %d store metric values and, from PCP 7 on, whole archives, for which the oldest are removed", PortPMProxy)
	}
}

// adviseOnProbes warns about the administrator's probes that another service may answer, or none.
func (i *Injector) adviseOnProbes(d *Decision, s *settings) {
	probes := &i.cfg.Container.Probes
	for _, probe := range []struct {
		name    string
		handler corev1.ProbeHandler
	}{{"startup", probes.Startup.ProbeHandler}, {"liveness", probes.Liveness.ProbeHandler}, {"readiness", probes.Readiness.ProbeHandler}} {
		if _, asks := config.AskedService(probe.handler); asks && s.onLoopback {
			d.warn(warnProbePort, "container.probes.%s uses a port on the loopback address, which the kubelet cannot reach, so PCP gets the default probe", probe.name)
		}
	}
	if readiness := probes.Readiness; s.hostNetwork && !s.onLoopback && (readiness.TCPSocket != nil || readiness.HTTPGet != nil) {
		d.warn(warnReadiness, "container.probes.readiness uses a port of the node, where another pmcd may answer: remove it, because the default uses pmcd's own socket")
	}
}

func (d *Decision) warn(code, format string, arguments ...any) {
	d.Warnings = append(d.Warnings, newWarning(code, format, arguments...))
}

// warn is for discovery, the only setting that may take effect in part.
func (s *settings) warn(format string, arguments ...any) {
	s.warnings = append(s.warnings, newWarning(warnDiscovery, format, arguments...))
}

// newWarning truncates the message to stay within MaxWarning.
func newWarning(code, format string, arguments ...any) Warning {
	w := Warning{Code: code, Message: fmt.Sprintf(format, arguments...)}
	if excess := len(w.String()) - MaxWarning; excess > 0 {
		w.Message = strings.ToValidUTF8(w.Message[:len(w.Message)-excess-3], "") + "..."
	}
	return w
}

// Workload is what decides, besides the pod template, whether PCP works in a workload.
type Workload struct {
	Kind     string
	Replicas *int64
	// Strategy is the type of a Deployment's strategy or of another workload's updateStrategy; empty if absent.
	Strategy string
	// Parallelism of a Job, or of a CronJob's Jobs.
	Parallelism *int64
	// ConcurrencyPolicy of a CronJob; empty if absent.
	ConcurrencyPolicy string
}

// WorkloadWarnings advises on a workload whose template is injected: too many replicas, or a strategy that starts the new pod while the old
// one holds the claim. A pod alone shows neither.
func (i *Injector) WorkloadWarnings(w Workload) []Warning {
	var warnings []Warning
	if w.Replicas != nil && *w.Replicas > 1 {
		warnings = append(warnings, newWarning(warnReplicas, "spec.replicas is %d: PCP monitors the system, so a second instance only duplicates its data and writes to the same files: use 1", *w.Replicas))
	}
	if w.Parallelism != nil && *w.Parallelism > 1 {
		warnings = append(warnings, newWarning(warnReplicas, "spec.parallelism is %d: pods that run at the same time write to the same files: use 1", *w.Parallelism))
	}
	if w.Kind == string(config.KindCronJob) && w.ConcurrencyPolicy != "Forbid" {
		warnings = append(warnings, newWarning(warnReplicas, "spec.concurrencyPolicy is %s: pods of two Jobs that run at the same time write to the same files: use Forbid", cmp.Or(w.ConcurrencyPolicy, "Allow by default")))
	}
	surges := w.Kind == string(config.KindDeployment) && w.Strategy != "Recreate"
	if surges && (lasts(i.cfg.Persistence.PMLogger.Volume) || lasts(i.cfg.Persistence.PMProxy)) {
		warnings = append(warnings, newWarning(warnStrategy, "spec.strategy.type is %s: the new pod starts while the old one still uses the volume: use Recreate", cmp.Or(w.Strategy, "RollingUpdate by default")))
	}
	return warnings
}

// lasts reports whether the volume outlives the pod, so two pods may meet on it.
func lasts(v config.Volume) bool {
	return v.Type == config.VolumePersistentVolumeClaim || v.Type == config.VolumeHostPath
}

// The quality-of-service classes of pods, found as in
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/apis/core/v1/helper/qos/qos.go.
const (
	qosGuaranteed = "Guaranteed"
	qosBurstable  = "Burstable"
	qosBestEffort = "BestEffort"
)

func qosBefore(pod *Pod) string {
	return qosOf(pod.Spec.Containers, pod.Spec.InitContainers)
}

func qosAfter(pod *Pod, sc *sidecar) string {
	return qosOf(pod.Spec.Containers, pod.Spec.InitContainers, []Container{{Resources: sc.resources}})
}

func qosOf(lists ...[]Container) string {
	guaranteed, some := true, false
	for _, list := range lists {
		for n := range list {
			r := &list[n].Resources
			guaranteed = guaranteed && isGuaranteed(r.Limits.CPU, r.Requests.CPU) && isGuaranteed(r.Limits.Memory, r.Requests.Memory)
			some = some || isSome(r.Requests.CPU) || isSome(r.Requests.Memory) || isSome(r.Limits.CPU) || isSome(r.Limits.Memory)
		}
	}
	switch {
	case !some:
		return qosBestEffort
	case guaranteed:
		return qosGuaranteed
	}
	return qosBurstable
}

// isSome: not absent, and not zero.
func isSome(amount json.RawMessage) bool { return bytes.ContainsAny(amount, "123456789") }

// isGuaranteed: there is a limit, and the request, which defaults to the limit, is equal to it.
func isGuaranteed(limit, request json.RawMessage) bool {
	if !isSome(limit) {
		return false
	}
	if request == nil || bytes.Equal(limit, request) {
		return true
	}
	most, least := quantity(limit), quantity(request)
	return most.Cmp(least) == 0
}

var quantityForm = regexp.MustCompile(config.QuantityPattern)

// quantity reads an amount. What is not one counts as absent, because the API server will refuse it anyway. Its form is checked first,
// because Kubernetes' own parser takes minutes over 1e-999999999.
func quantity(raw json.RawMessage) resource.Quantity {
	text := bytes.Trim(raw, `"`)
	if !quantityForm.Match(text) {
		return resource.Quantity{}
	}
	amount, err := resource.ParseQuantity(string(text))
	if err != nil {
		return resource.Quantity{}
	}
	return amount
}
