package e2e_test

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// stores are requests to pmproxy that store the value of a metric, as a client of pmcd on the network and as a local one.
var stores = []string{
	"/pmapi/store?name=pmcd.control.timeout&value=5", "/pmapi/store?name=pmcd.control.timeout&value=5&hostspec=local:",
	"/pmapi/store?name=openmetrics.control.debug&value=0", "/pmapi/store?name=openmetrics.control.debug&value=0&hostspec=local:",
	"/pmapi/store?name=openmetrics.control.debug&value=0&hostspec=unix:", "/pmapi/store?name=openmetrics.control.debug&value=0&hostspec=localhost",
}

// archive sends pmproxy the label of an archive, with which it begins one; see pcparchive(5).
const archive = `
import struct, sys, time, urllib.error, urllib.request
fields = struct.pack(">IiIIIiII", 0x50052603, 1, int(time.time()), 0, 0, 0, 0, 0)
fields += b"stranger".ljust(256, b"\0") + b"UTC".ljust(256, b"\0") + b":UTC".ljust(256, b"\0")
length = struct.pack(">I", len(fields) + 8)
request = urllib.request.Request(sys.argv[1] + "/logger/label", length + fields + length, {"Content-Type": "application/octet-stream"})
try:
    print(urllib.request.urlopen(request, timeout=10).read().decode())
except urllib.error.HTTPError as refused:
    print(refused.code, refused.read().decode())
`

// strangersArchive is where pmproxy would put it.
const strangersArchive = "/var/log/pcp/pmproxy/stranger"

func (s *scene) sendArchive(pod *corev1.Pod) (string, error) {
	return s.ask("python3", "-c", archive, "http://"+pod.Status.PodIP+":44322")
}

// storesWith returns which of the requests store, once the agent whose metrics they name is there.
func (s *scene) storesWith(t *testing.T, pod *corev1.Pod) (stored []string) {
	t.Helper()
	// Not asked of pmproxy: that of 6.3 may not find, for minutes, what was not there when it looked first.
	s.awaitValue(t, pod, "openmetrics.control.debug", 0)
	for _, request := range stores {
		eventually(t, startLimit, "an answer to "+request, func() error {
			output, err := s.fetch(pod, request)
			switch {
			case err == nil && strings.Contains(output, `"success":true`):
				stored = append(stored, request)
			case err == nil:
				t.Errorf("%s answers %s", request, output)
			case !strings.Contains(err.Error(), "HTTP Error 400"):
				return err
			}
			return nil
		})
	}
	return stored
}

// refusesWrites: pmproxy stores nothing and takes no archive, and goes on.
func (m *monitor) refusesWrites(t *testing.T) {
	t.Helper()
	if stored := m.storesWith(t, m.pod); len(stored) > 0 {
		t.Errorf("another pod stores: %v", stored)
	}
	output, err := m.sendArchive(m.pod)
	if err != nil || strings.Contains(output, `"success":true`) || !strings.HasPrefix(output, "400 ") && !strings.HasPrefix(output, "500 ") {
		t.Errorf("pmproxy answers an archive with %s (error: %v)", output, err)
	}
	if output, err := m.pcp("ls", strangersArchive); err == nil {
		t.Errorf("pmproxy took an archive: %s", output)
	}
	m.entrypoint(t)
}

// takesWrites: what refusesWrites alone refuses otherwise.
func (s *scene) takesWrites(pod *corev1.Pod) {
	s.t.Helper()
	if stored := s.storesWith(s.t, pod); len(stored) == 0 {
		s.t.Error("nothing can be stored")
	}
	output, err := s.sendArchive(pod)
	if took := strings.Contains(output, `"success":true`); err != nil || took == (s.image == pcpimage.Trixie.Name) {
		s.t.Errorf("pmproxy answers an archive with %s, which PCP 6 does not know, and PCP 7 takes (error: %v)", output, err)
	}
	if _, err := s.in(pod.Name, "pcp", "ls", strangersArchive); (err == nil) == (s.image == pcpimage.Trixie.Name) {
		s.t.Errorf("%s: %v", strangersArchive, err)
	}
}
