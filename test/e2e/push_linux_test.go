package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// received is where pmproxy puts what others push.
const received = "/var/log/pcp/pmproxy/"

// TestPush: what one pod archives is at another one too, again after that one was away, and the oldest archives make room there. PCP 6.3
// says that it cannot push.
func TestPush(t *testing.T) {
	t.Parallel()
	requireNode(t)
	eachPCP(t, func(s *scene) {
		s.installPCP("fullnameOverride: collector\nacceptArchives: true\npersistence: {pmproxy: {size: 16Mi}}")
		collector := &monitor{scene: s, host: "collector", pod: s.awaitReady("")}
		s.selector = "pcp.io/injected=true"
		m := &monitor{scene: s, host: "node-monitor"}
		m.installInjector("push: {url: 'http://collector.NAMESPACE.svc:44322'}")
		m.pod = m.deploy(nodeMonitor(nil))
		if s.image == pcpimage.Trixie.Name {
			m.cannotPush(s.t)
			return
		}
		collector.receives(s.t, m.host, 1)
		if _, err := collector.pcp("systemctl", "restart", "pmproxy"); err != nil {
			s.t.Fatal(err)
		}
		collector.receives(s.t, m.host, 2)
		collector.makesRoom(s.t, m.host)
		eventually(s.t, archiveLimit, "an archive of its own", func() error { _, err := m.archives(); return err })
	})
}

// cannotPush: the log says why, and pmlogger works.
func (m *monitor) cannotPush(t *testing.T) {
	t.Helper()
	log, err := m.kubectl(t.Context(), "logs", m.pod.Name, "--container", "pcp")
	if want := "push.url needs PCP 7.0.3 or later, and this is 6.3."; err != nil || !strings.Contains(log, want) {
		t.Errorf("the log is %.2000q (error: %v), want %q", log, err, want)
	}
	eventually(t, archiveLimit, "an archive", func() error { _, err := m.archives(); return err })
}

// receives: there are so many archives of a host, and each has values.
func (m *monitor) receives(t *testing.T, host string, count int) {
	t.Helper()
	const script = `cd "$1" && for meta in *.meta; do pmdumplog "${meta%.meta}" kernel.all.load | grep -c '(kernel.all.load):$'; done`
	eventually(t, archiveLimit, fmt.Sprintf("%d archives of %s", count, host), func() error {
		output, err := m.pcp("sh", "-c", script, "sh", received+host)
		if lines := strings.Fields(output); err == nil && (len(lines) < count || strings.Contains("\n"+output, "\n0\n")) {
			err = fmt.Errorf("got %q, want %d numbers of values", output, count)
		}
		return err
	})
}

// makesRoom: an old archive goes where there is no space for all, and what PCP would not name so stays.
func (m *monitor) makesRoom(t *testing.T, host string) {
	t.Helper()
	const plant = `cd "$1" && mkdir old 'a b' && head -c 13631488 /dev/zero >old/20200101.00.00.0 && touch old/20200101.00.00.meta old/20200101.00.00.index 'a b/20200101.00.00.0' &&
		touch -d 2020-01-01 old/* && chown -R pcp:pcp .`
	if _, err := m.pcp("sh", "-c", plant, "sh", received); err != nil {
		t.Fatal(err)
	}
	eventually(t, startLimit, "room for archives", func() error {
		output, err := m.pcp("sh", "-c", `cd "$1" && find old 'a b' -type f`, "sh", received)
		if err == nil && strings.TrimSpace(output) != "a b/20200101.00.00.0" {
			err = errors.New(output)
		}
		return err
	})
	m.receives(t, host, 1)
}
