package e2e_test

import (
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// TestOwnership: a fresh volume is root's. An image from before PCP 6.2.2 leaves it so, and what runs as PCP's user, such as the daily
// rotation of archives, cannot write there; fixOwnership gives it to that user. Newer images do it at boot.
func TestOwnership(t *testing.T) {
	t.Parallel()
	requireNode(t)
	for _, test := range []struct{ name, image, settings, want string }{
		{"Fixed", pcpimage.Bookworm.Name, "persistence: {fixOwnership: true}", "pcp:pcp 2775"},
		{"NotFixed", pcpimage.Bookworm.Name, "", "root:root 755"},
		{"AtBoot", pcpimage.Trixie.Name, "", "pcp:pcp 775"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			m := &monitor{scene: newScene(t, test.image), host: "node-monitor"}
			m.installInjector(test.settings)
			m.pod = m.deploy(nodeMonitor(nil))
			for _, folder := range []string{archiveFolder, "/var/log/pcp/pmproxy"} {
				if output, err := m.pcp("stat", "--format", "%U:%G %a", folder); strings.TrimSpace(output) != test.want {
					t.Errorf("%s belongs to %q, want %s (error: %v)", folder, output, test.want, err)
				}
			}
			eventually(t, archiveLimit, "an archive", func() error { _, err := m.archives(); return err })
			output, err := m.pcp("sh", "-c", "systemctl start pmlogger_daily; while systemctl --quiet is-active pmlogger_daily; do sleep 0.1; done; journalctl --unit pmlogger_daily")
			if denied := strings.Contains(output, "Permission denied"); err != nil || denied != (test.name == "NotFixed") {
				t.Errorf("the daily rotation says %s (error: %v)", output, err)
			}
		})
	}
}
