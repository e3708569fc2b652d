package e2e_test

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	archiveFolder = "/var/log/pcp/pmlogger"
	// archiveLimit: the OpenMetrics group is logged every 30 seconds, and pmlogger writes behind.
	archiveLimit = 3 * time.Minute
)

// archived: pmlogger's archive on the claim, in a folder of the pod's stable name, holds the kernel's metrics and the exporter's.
func (m *monitor) archived(t *testing.T) {
	t.Helper()
	eventually(t, archiveLimit, "archive with both kinds of metrics", func() error {
		archives, err := m.archives()
		if err != nil {
			return err
		}
		m.archive = archives[0]
		return m.read(m.archive)
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

// archives are those on the claim, without their suffix, the oldest first. All are in the one folder of the pod's host name.
func (m *monitor) archives() ([]string, error) {
	folder := archiveFolder + "/" + m.host + "/"
	output, err := m.pcp("sh", "-c", "ls -d "+archiveFolder+"/*/ && ls "+folder+"*.meta*")
	if err != nil {
		return nil, err
	}
	lines := strings.Fields(output)
	if len(lines) < 2 || lines[0] != folder || !strings.HasSuffix(lines[1], ".meta") {
		return nil, fmt.Errorf("not one folder with archives:\n%s", output)
	}
	for at, line := range lines {
		lines[at] = strings.TrimSuffix(line, ".meta")
	}
	return lines[1:], nil
}

// restart: a pmcd that does not run fails the liveness probe; the kubelet starts the container again.
func (m *monitor) restart(t *testing.T) {
	t.Helper()
	if _, err := m.pcp("systemctl", "stop", "pmcd"); err != nil {
		t.Fatal(err)
	}
	eventually(t, startLimit, "the kubelet's restart", func() error {
		pod, err := m.client.CoreV1().Pods(m.namespace).Get(t.Context(), m.pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if status := statusOf(pod); status.RestartCount != 1 || !status.Ready {
			return fmt.Errorf("restarts: %d, ready: %t", status.RestartCount, status.Ready)
		}
		return ready(pod)
	})
	m.openMetrics(t)
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
	eventually(t, archiveLimit, "a new archive beside the old", func() error {
		archives, err := m.archives()
		if err == nil && len(archives) <= len(before) {
			err = fmt.Errorf("the archives are %v, before they were %v", archives, before)
		}
		return err
	})
	if err := m.read(m.archive); err != nil {
		t.Error(err)
	}
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
