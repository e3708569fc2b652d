package check

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/pmproxy"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// What PCP in the pods reports about itself.

const (
	// quiet is how long no archive may grow. By default, pmlogger writes at least once a minute.
	quiet = 5 * time.Minute
	// span is the shortest time from which to derive a rate.
	span = time.Hour
	// scarce and exhausted are the free shares of a volume below which it is yellow or red.
	scarce, exhausted = 0.15, 0.03
	// full is the share of the limit above which archives already make room for new ones, which are a tenth of the limit.
	full = 0.85
)

// pcp returns a report for each pod with PCP.
func (i *inspection) pcp() []*gate.Report {
	reports := make([]*gate.Report, 0, len(i.PCP))
	for n := range i.PCP {
		p := &i.PCP[n]
		reports = append(reports, &gate.Report{Subject: "PCP in pod/" + p.Pod, Gates: i.within(p)})
	}
	return reports
}

// within returns the gates of one PCP. What does not run there is not examined.
func (i *inspection) within(p *snapshot.PCP) []gate.Gate {
	if found := i.container(p); found != nil {
		return []gate.Gate{*found}
	}
	services, known := i.services(p)
	if known && !slices.Contains(services, "pmproxy") {
		return []gate.Gate{unknown("pmcd", "unknown, because the pod is configured without pmproxy")}
	}
	state := p.State.Value
	switch {
	case !p.Reached:
		return []gate.Gate{unknown("pmcd", "%s", p.State.Unseen())}
	case p.State.Err != nil:
		return []gate.Gate{failed("pmcd", remedy.RestartPCP.With(i.pod(p)...), "%v", p.State.Err)}
	}
	gates := []gate.Gate{i.answers(state.Version), i.agents(p), i.sources(p)}
	if !known || slices.Contains(services, "pmlogger") {
		gates = append(gates, i.archives(p), i.volume(p))
	}
	return gates
}

// answers judges the version that answers: the tag of an image need not show it.
func (i *inspection) answers(version string) gate.Gate {
	if cfg := i.Live.Value.Config; cfg != nil {
		if err := cfg.Container.CheckReceiver(version); err != nil {
			return failed("pmcd", remedy.NewerImage.With(),
				"PCP %s answers, but accepts archives, which %v", version, err)
		}
	}
	return passed("pmcd", "PCP %s answers", version)
}

// services that should run in the pod.
func (i *inspection) services(p *snapshot.PCP) (services []string, known bool) {
	if text, overridden := i.live(p).Pod.GetAnnotations()[mutate.AnnotationServices]; overridden {
		return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }), true
	}
	if cfg := i.Live.Value.Config; cfg != nil {
		for _, service := range cfg.Container.Services {
			services = append(services, string(service))
		}
		return services, true
	}
	return nil, false
}

func (i *inspection) live(p *snapshot.PCP) *snapshot.LivePod {
	pods := i.Live.Value.Pods
	return &pods[slices.IndexFunc(pods, func(pod snapshot.LivePod) bool { return pod.Pod.GetName() == p.Pod })]
}

// container says why PCP does not run at all; nil if it does.
func (i *inspection) container(p *snapshot.PCP) *gate.Gate {
	var pod corev1.Pod
	if runtime.DefaultUnstructuredConverter.FromUnstructured(i.live(p).Pod.Object, &pod) != nil {
		return nil
	}
	for _, status := range slices.Concat(pod.Status.ContainerStatuses, pod.Status.InitContainerStatuses) {
		if status.Name != mutate.ContainerName || status.State.Running != nil {
			continue
		}
		reason := "it does not run"
		if waiting := status.State.Waiting; waiting != nil {
			reason = strings.TrimSuffix(waiting.Reason+": "+waiting.Message, ": ")
		}
		found := failed("container", remedy.WhyNotRunning.With(i.pod(p)...), "container %s: %s", mutate.ContainerName, reason)
		return &found
	}
	return nil
}

// pod is what every remedy of a PCP needs.
func (i *inspection) pod(p *snapshot.PCP) []remedy.Value {
	return []remedy.Value{i.here(), remedy.Pods.Is(p.Pod)}
}

// agents judges those that are there, and looks for those that were requested.
func (i *inspection) agents(p *snapshot.PCP) gate.Gate {
	const name = "agents"
	state := p.State.Value
	if broken := state.Failed(); len(broken) > 0 {
		return failed(name, remedy.RestartAgents.With(i.pod(p)...),
			"%d of %d do not work: %s", len(broken), len(state.Agents), strings.Join(broken, ", "))
	}
	var missing []string
	for _, wanted := range i.wantedAgents(p) {
		if !slices.ContainsFunc(state.Agents, func(agent pmproxy.Agent) bool { return agent.Name == wanted }) {
			missing = append(missing, wanted)
		}
	}
	if len(missing) > 0 {
		return failed(name, remedy.ListAgents.With(i.pod(p)...), "%s: requested, but missing", strings.Join(missing, ", "))
	}
	return passed(name, "all %d work", len(state.Agents))
}

func (i *inspection) wantedAgents(p *snapshot.PCP) []string {
	var wanted []string
	if cfg := i.Live.Value.Config; cfg != nil {
		wanted = append(wanted, cfg.Container.DomainAgents...)
	}
	return append(wanted, strings.FieldsFunc(i.live(p).Pod.GetAnnotations()[mutate.AnnotationDomainAgents], func(r rune) bool { return r == ',' || r == ' ' })...)
}

func (i *inspection) sources(p *snapshot.PCP) gate.Gate {
	const name = "sources"
	var broken, untried []string
	for _, source := range p.State.Value.Sources {
		switch source.Result {
		case pmproxy.Unreachable:
			broken = append(broken, source.Name+": "+source.Problem)
		case pmproxy.Untried:
			untried = append(untried, source.Name)
		case pmproxy.Reachable:
		}
	}
	all := len(p.State.Value.Sources)
	switch {
	case len(broken) > 0:
		return failed(name, remedy.ServeSources.With(i.pod(p)...), "%d of %d OpenMetrics sources cannot be read: %s", len(broken), all, strings.Join(broken, "; "))
	case len(untried) > 0:
		return unknown(name, "unknown, because the agent has not read them yet: %s", strings.Join(untried, ", "))
	case all == 0:
		return passed(name, "no OpenMetrics sources")
	}
	return passed(name, "all %d OpenMetrics sources can be read", all)
}

// archives checks whether pmlogger writes.
func (i *inspection) archives(p *snapshot.PCP) gate.Gate {
	const name = "archives"
	restart := remedy.RestartLogger.With(i.pod(p)...)
	a := p.Archives.Value
	switch {
	case p.State.Value.Archive == "":
		return failed(name, restart, "no pmlogger runs")
	case p.Archives.Err != nil:
		return unknown(name, "pmlogger runs; whether %s grows is %s", p.State.Value.Archive, p.Archives.Unseen())
	case a.Files == 0:
		return failed(name, restart, "pmlogger runs, but has written nothing")
	case a.Now.Sub(a.Newest) > quiet:
		return failed(name, restart, "no archive has grown for %s", a.Now.Sub(a.Newest).Round(time.Second))
	}
	return passed(name, "%s grows: last written %s ago, %s in all", p.State.Value.Archive, a.Now.Sub(a.Newest).Round(time.Second), snapshot.Size(a.Bytes))
}

// volume says how full the archives' file system is, and how many days of archives fit into their limit.
func (i *inspection) volume(p *snapshot.PCP) gate.Gate {
	const name = "volume"
	a := p.Archives.Value
	if p.Archives.Err != nil {
		return unknown(name, "%s", p.Archives.Unseen())
	}
	if a.Capacity <= 0 {
		return unknown(name, "unknown, because the file system of the archives has no size")
	}
	free := float64(a.Free) / float64(a.Capacity)
	evidence := fmt.Sprintf("%.0f%% of %s used, %s free", 100*(1-free), snapshot.Size(a.Capacity), snapshot.Size(a.Free))
	days, known := i.daysThatFit(a)
	if known {
		evidence += fmt.Sprintf(": about %.1f days of archives fit", days)
	} else {
		evidence += "; how many days of archives fit is not known before the first hour"
	}
	short := false
	if cfg := i.Live.Value.Config; cfg != nil && known && days < float64(cfg.Persistence.PMLogger.Retention) {
		short = true
		evidence += fmt.Sprintf(", fewer than the %d of persistence.pmlogger.retention", cfg.Persistence.PMLogger.Retention)
	}
	switch {
	case free < exhausted:
		return failed(name, i.enlarge(), "%s", evidence)
	case free < scarce || short:
		return warning(name, i.enlarge(), "%s", evidence)
	}
	return passed(name, "%s", evidence)
}

// daysThatFit is the age of the oldest archive if archives already make room. Otherwise it follows from what was written.
func (i *inspection) daysThatFit(a *snapshot.Archives) (days float64, known bool) {
	limit := config.ShareForArchives(a.Bytes + a.Free)
	age := a.Newest.Sub(a.Oldest)
	days = age.Hours() / 24
	if cfg := i.Live.Value.Config; cfg != nil {
		if given := cfg.Persistence.PMLogger.Limit(); given > 0 {
			limit = min(limit, given)
		}
		if days >= float64(cfg.Persistence.PMLogger.Retention) {
			return days, true
		}
	}
	if float64(a.Bytes) >= full*float64(limit) {
		return days, true
	}
	if age < span {
		return 0, false
	}
	return float64(limit) / (float64(a.Bytes) / days), true
}

// enlarge doubles the size of the claim, if there is one. Helm enlarges its own: it would make others small again in the next upgrade, which
// the API server refuses.
func (i *inspection) enlarge() *remedy.Remedy {
	cfg := i.Live.Value.Config
	if cfg == nil || cfg.Persistence.PMLogger.Type != config.VolumePersistentVolumeClaim {
		return remedy.GrowVolume.With()
	}
	name := cfg.Persistence.PMLogger.ClaimName
	at := slices.IndexFunc(i.Claims.Value, func(claim corev1.PersistentVolumeClaim) bool { return claim.Name == name })
	if at < 0 {
		return remedy.GrowVolume.With()
	}
	claim := &i.Claims.Value[at]
	amount := claim.Spec.Resources.Requests[corev1.ResourceStorage]
	double := resource.NewQuantity(2*amount.Value(), resource.BinarySI).String()
	if _, helms := claim.Annotations[releaseAnnotation]; helms && i.Injector != nil {
		return remedy.GrowClaim.With(i.ofRelease(remedy.Amount.Is(double))...)
	}
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"resources": map[string]any{"requests": map[string]string{"storage": double}}}})
	if err != nil {
		return remedy.GrowVolume.With()
	}
	return remedy.GrowForeignClaim.With(i.here(), remedy.Name.Is(name), remedy.Patch.Is(string(patch)))
}

// releaseAnnotation is on every object that Helm has made.
const releaseAnnotation = "meta.helm.sh/release-name"
