package mutate

import (
	_ "embed" // The steps are files, because the chart pcp has them too.
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

//go:generate rm -rf ../../charts/pcp/files/steps
//go:generate mkdir -p ../../charts/pcp/files
//go:generate cp -R steps ../../charts/pcp/files/steps

// The steps are POSIX shell. The first line says why a step is needed, and what its failure means: under set -e PCP does not start, unless
// the step itself says otherwise.
var (
	//go:embed steps/sysctls.sh
	stepSysctls string
	//go:embed steps/sys.sh
	stepSys string
	//go:embed steps/devices.sh
	stepDevices string
	//go:embed steps/disks.sh
	stepDisks string
	//go:embed steps/process-details.sh
	stepProcessDetails string
	//go:embed steps/agents.sh
	stepAgents string
	//go:embed steps/files.sh
	stepFiles string
	//go:embed steps/openmetrics-ca.sh
	stepOpenMetricsCA string
	//go:embed steps/pmie-webhook.sh
	stepPMIEWebhook string
	//go:embed steps/pmie-stock-rules.sh
	stepPMIEStockRules string
	//go:embed steps/pmie-rules.sh
	stepPMIERules string
	//go:embed steps/control-groups.sh
	stepControlGroups string
	//go:embed steps/listen-on-loopback.sh
	stepListenOnLoopback string
	//go:embed steps/pmlogger-port.sh
	stepPMLoggerPort string
	//go:embed steps/archives.sh
	stepArchives string
	//go:embed steps/openmetrics-sources.sh
	stepOpenMetricsSources string
	//go:embed steps/openmetrics-intervals.sh
	stepOpenMetricsIntervals string
	//go:embed steps/push.sh
	stepPush string
	//go:embed steps/received.sh
	stepReceived string
	//go:embed steps/no-archives.sh
	stepNoArchives string
	//go:embed steps/no-stores.sh
	stepNoStores string
	//go:embed steps/cgroup-namespace.sh
	stepCgroupNamespace string
)

// step is something that the container does before systemd starts.
type step struct {
	text    string
	applies func(*Injector, *settings) bool
}

// steps run in this order. The template pcp.script of the chart pcp has the same.
var steps = []step{
	{stepSysctls, always},
	{stepSys, always},
	{stepDevices, always},
	{stepDisks, (*Injector).needsNoDisks},
	{stepProcessDetails, (*Injector).hidesProcesses},
	{stepAgents, func(_ *Injector, s *settings) bool { return s.runs(config.ServicePMCD) }},
	{stepFiles, func(i *Injector, _ *settings) bool { return len(i.cfg.Container.Files) > 0 }},
	{stepOpenMetricsCA, (*Injector).trustsMore},
	{stepPMIEWebhook, (*Injector).callsWebhook},
	{stepPMIEStockRules, (*Injector).hasStockRules},
	{stepPMIERules, (*Injector).hasRules},
	{stepControlGroups, (*Injector).readsHostGroups},
	{stepListenOnLoopback, func(_ *Injector, s *settings) bool { return s.onLoopback }},
	{stepPMLoggerPort, func(_ *Injector, s *settings) bool { return s.runs(config.ServicePMLogger) }},
	{stepArchives, func(_ *Injector, s *settings) bool { return s.runs(config.ServicePMLogger) }},
	{stepOpenMetricsSources, (*Injector).archivesOpenMetrics},
	{stepOpenMetricsIntervals, func(i *Injector, s *settings) bool { return len(i.intervals(s)) > 0 }},
	{stepPush, (*Injector).pushes},
	{stepReceived, (*Injector).takesArchives},
	{stepNoArchives, func(i *Injector, s *settings) bool { return s.runs(config.ServicePMProxy) && !i.takesArchives(s) }},
	{stepNoStores, func(i *Injector, s *settings) bool { return i.refusesWrites(s) && s.runs(config.ServicePMCD) }},
	{stepCgroupNamespace, always}, // Last, because it starts systemd itself.
}

func always(*Injector, *settings) bool { return true }

// needsNoDisks: only the agents smart and farm ask disks for their health (https://man7.org/linux/man-pages/man1/pmdasmart.1.html).
func (*Injector) needsNoDisks(s *settings) bool {
	return !slices.Contains(s.agents, "smart") && !slices.Contains(s.agents, "farm")
}

// readsHostGroups: pmcd's agent proc reads the node's control groups below HOST_MOUNT.
func (i *Injector) readsHostGroups(s *settings) bool {
	return i.cfg.HostMonitoring.Enabled && s.runs(config.ServicePMCD)
}

// pushes: another pmproxy also gets what is archived.
func (i *Injector) pushes(s *settings) bool {
	return i.cfg.Push.URL != "" && s.runs(config.ServicePMLogger)
}

// takesArchives: pmproxy writes what others push.
func (i *Injector) takesArchives(s *settings) bool {
	return (i.cfg.Container.AcceptArchives || i.cfg.Container.AcceptWrites) && s.runs(config.ServicePMProxy)
}

// refusesWrites: pmproxy must not store values.
func (i *Injector) refusesWrites(s *settings) bool {
	return !i.cfg.Container.AcceptWrites && s.runs(config.ServicePMProxy)
}

// args are what the image's entrypoint runs last, instead of /usr/sbin/init alone. They run as root on the node, and unlike an annotation
// or a ConfigMap, nobody can change them in a live pod. Steps are joined, never filled in: what varies reaches them as an environment
// variable, or decides whether a step is there.
func (i *Injector) args(s *settings) []string {
	var script strings.Builder
	script.WriteString("set -eu\n")
	for _, step := range steps {
		if step.applies(i, s) {
			script.WriteString(step.text)
		}
	}
	script.WriteString("exec /usr/sbin/init\n")
	return []string{"/bin/sh", "-c", script.String()}
}
