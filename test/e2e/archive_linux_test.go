package e2e_test

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	archiveFolder = "/var/log/pcp/pmlogger"
	// archiveLimit: the OpenMetrics group is logged every 30 seconds, and pmlogger writes behind.
	archiveLimit = 10 * time.Minute
)

// archived: pmlogger's archive on the claim, in a folder of the pod's stable name, holds the kernel's metrics and the exporter's.
func (m *monitor) archived(t *testing.T) {
	t.Helper()
	eventually(t, archiveLimit, "archive with both kinds of metrics", func() error {
		archives, err := m.archives()
		for _, archive := range archives {
			if err = m.read(archive); err == nil {
				m.archive = archive
				return nil
			}
		}
		return err
	})
}

// read finds the load, and the value of each OpenMetrics source, in an archive.
func (m *monitor) read(archive string) error {
	values := map[string]string{"kernel.all.load": `.*\n +inst \[1 or "1 minute"\] value [0-9.]`}
	metrics := []string{"pmdumplog", archive, "kernel.all.load"}
	for metric, value := range m.sources {
		values[metric] = fmt.Sprintf(`: value %d\n`, value)
		metrics = append(metrics, metric)
	}
	output, err := m.pcp(metrics...)
	if err != nil {
		return err
	}
	for metric, value := range values {
		if !regexp.MustCompile(`\(` + regexp.QuoteMeta(metric) + `\)` + value).MatchString(output) {
			return fmt.Errorf("%s with its value is not in the archive:\n%.3000s", metric, output)
		}
	}
	return nil
}

// missedSource: pmlogger archives a source again that it does not look for any more, as happens when it looks while the agent is busy.
func (m *monitor) missedSource(t *testing.T) {
	t.Helper()
	const (
		allow = `sed -i 's/^allow local:\* : enquire;/allow local:* : all;/' /var/lib/pcp/config/pmlogger/config.default && kill -s TERM "$(cat /run/pcp/pmlogger.pid)"`
		stop  = `echo log advisory off "$1" | pmlc -P`
		state = `echo query "$1" | pmlc -P`
	)
	if output, err := m.pcp("sh", "-c", allow); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	eventually(t, archiveLimit, "a source that is not archived", func() error {
		said, err := m.pcp("sh", "-c", stop, "sh", m.rare)
		if err == nil {
			said, err = m.pcp("sh", "-c", state, "sh", m.rare)
		}
		if err == nil && !strings.Contains(said, "adv  off") {
			err = fmt.Errorf("pmlc says %s", said)
		}
		return err
	})
	eventually(t, archiveLimit, "the source in the archives again", func() error {
		output, err := m.pcp("sh", "-c", state, "sh", m.rare)
		if err == nil && !strings.Contains(output, "adv  on") {
			err = fmt.Errorf("pmlc says %s", output)
		}
		return err
	})
}

// intervals: between two samples of a source without an interval of its own, 30 seconds apart, there are many of those that have one.
func (m *monitor) intervals(t *testing.T) {
	t.Helper()
	eventually(t, archiveLimit, "frequent samples between two rare ones", func() error {
		archives, err := m.archives()
		if err != nil {
			return err
		}
		between := map[string]int{}
		for _, archive := range archives {
			var output string
			// An archive from before the agent came has none of the metrics.
			if output, err = m.pcp(append([]string{"pmdumplog", archive, m.rare}, m.frequent...)...); err != nil {
				continue
			}
			for _, part := range betweenSamples(output, m.rare) {
				for _, metric := range m.frequent {
					between[metric] = max(between[metric], strings.Count(part, "("+metric+"): value"))
				}
			}
		}
		for _, metric := range m.frequent {
			if between[metric] < 10 {
				return fmt.Errorf("between two samples of %s, there are at most %v: %w", m.rare, between, err)
			}
		}
		return nil
	})
}

// betweenSamples are the parts of an archive's text between two samples of a metric.
func betweenSamples(text, metric string) []string {
	parts := strings.Split(text, "("+metric+"): value")
	if len(parts) < 3 {
		return nil
	}
	return parts[1 : len(parts)-1]
}

// archives are those on the claim, without their suffix. All are in the one folder of the pod's host name.
func (m *monitor) archives() ([]string, error) {
	folder := archiveFolder + "/" + m.host + "/"
	output, err := m.pcp("sh", "-c", "ls -d "+archiveFolder+"/*/ | grep -v lost+found && ls "+folder+"*.meta*")
	if err != nil {
		return nil, err
	}
	lines := strings.Fields(output)
	if len(lines) < 2 || lines[0] != folder || !strings.Contains(lines[1], ".meta") {
		return nil, fmt.Errorf("not one folder with archives:\n%s", output)
	}
	for at, line := range lines {
		lines[at], _, _ = strings.Cut(line, ".meta")
	}
	return lines[1:], nil
}

// restart: a pmcd that does not run fails the liveness probe; the kubelet starts the container again.
func (m *monitor) restart(t *testing.T) {
	t.Helper()
	m.stopPMCD(t)
	eventually(t, startLimit, "the kubelet's restart", func() error {
		pod, err := m.client.CoreV1().Pods(m.namespace).Get(t.Context(), m.pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		status := statusOf(pod)
		if status.RestartCount > 1 {
			t.Fatalf("PCP was restarted %d times", status.RestartCount)
		}
		if status.RestartCount != 1 || !status.Ready {
			return fmt.Errorf("restarts: %d, ready: %t", status.RestartCount, status.Ready)
		}
		return ready(pod)
	})
	m.openMetrics(t)
}

// stopPMCD tries again where a service that needs pmcd, such as one that is just starting, starts it at the same moment.
func (m *monitor) stopPMCD(t *testing.T) {
	t.Helper()
	eventually(t, startLimit, "pmcd's end", func() error {
		_, err := m.pcp("sh", "-c", "systemctl stop pmcd && ! systemctl is-active pmcd")
		return err
	})
}

// grown reports whether all archives are still there, and more.
func (m *monitor) grown(before []string) error {
	after, err := m.archives()
	if err != nil {
		return err
	}
	lost := slices.ContainsFunc(before, func(archive string) bool { return !slices.Contains(after, archive) })
	if lost || len(after) <= len(before) {
		return fmt.Errorf("the archives are %v, before they were %v", after, before)
	}
	return nil
}

// replacement: another pod of the Deployment goes on in the same folder, where what was archived before can still be read.
func (m *monitor) replacement(t *testing.T) {
	t.Helper()
	before, err := m.archives()
	if err != nil {
		t.Fatal(err)
	}
	if err := m.client.CoreV1().Pods(m.namespace).Delete(t.Context(), m.pod.Name, metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	m.pod = m.awaitReady(string(m.pod.UID))
	eventually(t, archiveLimit, "a new archive beside the old", func() error { return m.grown(before) })
	eventually(t, archiveLimit, "the old archive", func() error { return m.read(m.archive) })
	m.openMetrics(t) // Agents that are being installed would delay the deletion.
}

// deletion ends by the image's stop signal, well within the grace period.
func (m *monitor) deletion(t *testing.T) {
	t.Helper()
	grace := time.Duration(*m.pod.Spec.TerminationGracePeriodSeconds) * time.Second
	m.remove(t)
	eventually(t, grace-5*time.Second, "pod gone", func() error {
		pods, err := m.client.CoreV1().Pods(m.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: m.selector})
		if err == nil && len(pods.Items) > 0 {
			err = errors.New("the pod is still there")
		}
		return err
	})
}
