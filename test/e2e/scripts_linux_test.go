package e2e_test

import (
	"regexp"
	"testing"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// scripts are the values of deploy/examples/pcp-injector/bpftrace.yaml, for a pmcd alone.
const scripts = `
env: {PCP_SERVICES: pmcd, PCP_DOMAIN_AGENTS: bpftrace}
files: [{path: /var/lib/pcp/pmdas/bpftrace/autostart/switches.bt, configMap: scripts}]
openMetrics: {enabled: false}
`

// TestScripts: the kernel counts for a script of the administrator's. Where the image has no bpftrace, the agent does not work, and pmcd serves all else.
func TestScripts(t *testing.T) {
	t.Parallel()
	eachPCP(t, func(s *scene) {
		s.createConfigMap("scripts", "switches.bt", "tracepoint:sched:sched_switch { @count = count(); }\n")
		s.installPCP(scripts)
		m := &monitor{scene: s}
		m.pod = m.awaitReady("")
		if s.image == pcpimage.Trixie.Name {
			m.pcpSays(s.t, regexp.MustCompile(`(?m)^ +value [1-9]\d*$`), "pminfo", "-f", "bpftrace.scripts.switches.data.count")
			return
		}
		m.pcpSays(s.t, regexp.MustCompile(`"proc"\] value 0\n`), "pminfo", "-f", "pmcd.agent.status")
		if output, err := m.pcp("pminfo", "-f", "pmcd.agent.status"); err != nil || regexp.MustCompile(`"bpftrace"\] value 0\n`).MatchString(output) {
			t.Errorf("the agent bpftrace works without bpftrace (error: %v): %s", err, output)
		}
	})
}
