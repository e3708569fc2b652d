package e2e_test

import (
	"fmt"
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
		{"AtBoot6", pcpimage.Trixie.Name, "", "pcp:pcp 775"},
		{"AtBoot7", pcpimage.Sid.Name, "", "pcp:pcp 775"},
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
			said, files := m.rotate(t)
			if denied := test.name == "NotFixed"; strings.Contains(said, "Permission denied") != denied || strings.Contains(files, "pmlogger_daily.stamp") == denied {
				t.Errorf("the daily rotation says %s\nand leaves %s", said, files)
			}
		})
	}
}

// rotate runs what a timer runs every night, to its end, and returns what it said and the files that are then on the volume.
func (m *monitor) rotate(t *testing.T) (said, files string) {
	t.Helper()
	if _, err := m.pcp("systemctl", "start", "--no-block", "pmlogger_daily"); err != nil {
		t.Fatal(err)
	}
	eventually(t, startLimit, "the rotation's end", func() error {
		output, err := m.pcp("systemctl", "show", "--property", "ActiveState,ExecMainExitTimestampMonotonic", "pmlogger_daily")
		if err != nil || strings.Contains(output, "ActiveState=a") || strings.Contains(output, "Monotonic=0\n") {
			return fmt.Errorf("%s: %w", output, err)
		}
		if said, err = m.pcp("sh", "-c", "journalctl --sync; journalctl --unit pmlogger_daily"); err != nil {
			return err
		}
		files, err = m.pcp("ls", archiveFolder)
		return err
	})
	return said, files
}
