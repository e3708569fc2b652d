//go:build linux

package preparation

import (
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
)

// Privileged are the preparations of a privileged container, in which upstream's entrypoint has run and systemd is about to. What protects the
// node comes first.
func Privileged(c *Container) []Preparation {
	pmcd, pmlogger, pmproxy, pmie := c.runs(options.PMCD), c.runs(options.PMLogger), c.runs(options.PMProxy), c.runs(options.PMIE)
	o := c.Options
	takesArchives := o.AcceptArchives || o.AcceptWrites
	return []Preparation{
		{
			"sysctls", "systemd would raise the node's fs.file-max and fs.nr_open, apply the image's sysctl.d and flush binfmt_misc",
			false, true, c.sysctls,
		},
		{"sys", "nothing in PCP writes to the node's /sys, and then nothing can", true, true, c.sys},
		{"devices", "systemd would log to the node's kernel log, and use its consoles, watchdogs and loop devices", true, true, c.devices},
		{"disks", "only PCP's agents smart and farm open the node's disks", true, !c.Entrypoint.Has("smart", "farm"), c.disks},
		{
			"process-details", "the image lets any client of pmcd read the environment of every process",
			false, pmcd && !o.ProcessDetails, c.processDetails,
		},
		{"agents", "pmcd gives up on an agent after 3 s, but those in Python take longer on a busy node", true, pmcd, c.agents},
		{"files", "the administrator's files replace the image's, as links, so that changes of a ConfigMap arrive", false, len(o.Files) > 0, c.files},
		{
			"openmetrics-ca", "the agent openmetrics trusts one file of CAs, so the image's and the administrator's become one",
			true, pmcd && o.OpenMetrics.CABundle, c.openMetricsCA,
		},
		{"pmie-webhook", "pmie's stock rules call the administrator's webhook", false, pmie && o.PMIE.Webhook, c.pmieWebhook},
		{"pmie-stock-rules", "pmie's stock rules are switched on by name", true, pmie && len(o.PMIE.StockRules) > 0, c.pmieStockRules},
		{"pmie-rules", "a second pmie evaluates the administrator's own rules", false, pmie && o.PMIE.Rules, c.pmieRules},
		{
			"control-groups", "PCP prepends HOST_MOUNT to paths of control groups that already have it",
			false, pmcd && c.Entrypoint.HostMount != "", c.controlGroups,
		},
		{
			"listen-on-loopback", "pmcd and pmproxy have no authentication, so they listen on the loopback address alone",
			false, o.Listen == options.Loopback, c.listenOnLoopback,
		},
		{"pmlogger-port", "before PCP 7, pmlogger's control port is open on all addresses", false, pmlogger, c.pmloggerPort},
		{"archives", "archives must not fill their volume: pmlogger starts a new one at a tenth of the limit, and the oldest go", false, pmlogger, c.archives},
		{
			"openmetrics-intervals", "some sources are archived more often, and the first group that has a source decides",
			false, pmcd && pmlogger && len(o.OpenMetrics.Intervals) > 0, c.openMetricsIntervals,
		},
		{"push", "a second pmlogger pushes, so the first one archives even if nobody takes what is pushed", true, pmlogger && o.PushURL != "", c.push},
		{
			"no-archives", "from PCP 7 on, pmproxy would take archives from anyone (/logger), which could fill its volume",
			false, pmproxy && !takesArchives, c.noArchives,
		},
		{
			"no-stores", "pmproxy would store values for anyone (/pmapi/store), so pmcd stores none for local clients such as pmproxy",
			false, pmcd && pmproxy && !o.AcceptWrites, c.noStores,
		},
		{"watch", "something must watch the archives and the sources, and report what was done here", false, true, c.watch},
		{"cgroup-namespace", "on a node with cgroup v1, systemd would set cgroup v2's nsdelegate for the whole node", true, c.hasLegacyGroups(), c.System.LeaveControlGroups},
		{
			"capabilities", "neither systemd nor PCP needs them, and whoever breaks into PCP could use them on the node",
			false, true, func() error { return c.System.Drop(Needless(c.Entrypoint.Agents)) },
		},
	}
}

func (c *Container) runs(service string) bool { return c.Entrypoint.Runs(service) }
