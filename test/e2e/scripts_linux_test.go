package e2e_test

import (
	"regexp"
	"testing"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// monitorScript is a file of the administrator's that the agent bpftrace runs.
const monitorScript = "{path: /var/lib/pcp/pmdas/bpftrace/autostart/switches.bt, configMap: scripts}"

// scripts: the kernel counts for a script of the administrator's. Where the image has no bpftrace, pmcd says that the agent does not work, or has none,
// and the rest of PCP works.
func (m *monitor) scripts(t *testing.T) {
	t.Helper()
	if m.image == pcpimage.Trixie.Name {
		m.pcpSays(t, regexp.MustCompile(`(?m)^ +value [1-9]\d*$`), "pminfo", "-f", "bpftrace.scripts.switches.data.count")
		return
	}
	m.pcpSays(t, regexp.MustCompile(`"openmetrics"\] value 0\n`), "pminfo", "-f", "pmcd.agent.status")
	if output, err := m.pcp("pminfo", "-f", "pmcd.agent.status"); err != nil || regexp.MustCompile(`"bpftrace"\] value 0\n`).MatchString(output) {
		t.Errorf("the agent bpftrace works without bpftrace (error: %v): %s", err, output)
	}
}
