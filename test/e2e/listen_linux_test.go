package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// listeners prints what the container's processes listen on, beside loopback addresses: a line for each port, such as "tcp 44321".
const listeners = `
import glob, ipaddress, os, struct
def own():
    for link in glob.glob("/proc/[0-9]*/fd/*"):
        try:
            yield os.readlink(link)
        except OSError:
            pass
sockets, found = set(own()), set()
for name, waiting in ("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07"):
    for line in open("/proc/net/" + name).readlines()[1:]:
        fields = line.split()
        address, port = fields[1].split(":")
        raw = bytes.fromhex(address)
        words = b"".join(struct.pack(">I", *struct.unpack("=I", raw[at:at + 4])) for at in range(0, len(raw), 4))
        if fields[3] == waiting and "socket:[%s]" % fields[9] in sockets and not ipaddress.ip_address(words).is_loopback:
            found.add("%s %d" % (name[:3], int(port, 16)))
print("\n".join(sorted(found)))
`

// pcpPorts are those of pmcd, of pmproxy with and without TLS, and of pmlogger, which is not for others in any mode.
var pcpPorts = []int{44321, 44322, 44323, 4330}

// listening is what PCP listens on, where others could reach it.
func (s *scene) listening(pod *corev1.Pod) ([]string, error) {
	output, err := s.in(pod.Name, "pcp", "python3", "-c", listeners)
	return strings.Split(strings.TrimSpace(output), "\n"), err
}

// reaches tries PCP's ports on an address from another pod, and from the node where that is this test's own.
func (s *scene) reaches(address string) (open []string, err error) {
	const script = `
import socket, sys
for port in sys.argv[2:]:
    try:
        socket.create_connection((sys.argv[1], int(port)), timeout=5).close()
        print("pod", port)
    except ConnectionRefusedError:
        pass
`
	arguments := []string{"python3", "-c", script, address}
	for _, port := range pcpPorts {
		arguments = append(arguments, strconv.Itoa(port))
		if here.node == nil {
			continue
		}
		conn, err := net.DialTimeout("tcp", net.JoinHostPort(address, strconv.Itoa(port)), 5*time.Second)
		if err == nil {
			open = append(open, fmt.Sprintf("node %d", port))
			_ = conn.Close()
		}
	}
	output, err := s.ask(arguments...)
	return append(open, slices.DeleteFunc(strings.Split(output, "\n"), func(line string) bool { return line == "" })...), err
}

// onLoopback: PCP runs and is ready, nobody reaches it, and kubectl port-forward does.
func onLoopback(t *testing.T, s *scene, pod *corev1.Pod) {
	t.Helper()
	m := &monitor{scene: s, pod: pod}
	m.entrypoint(t)
	eventually(t, metricLimit, "an answer on pmcd's own socket", func() error {
		_, err := m.pcp("pminfo", "-h", "unix:", "-f", "openmetrics.control.calls")
		return err
	})
	if got, err := s.listening(pod); err != nil || got[0] != "" {
		t.Errorf("PCP listens on %v, want on the loopback address alone (error: %v)", got, err)
	}
	if open, err := s.reaches(pod.Status.PodIP); err != nil || len(open) > 0 {
		t.Errorf("PCP is reached: %v (error: %v)", open, err)
	}
	s.forwarded(t, pod)
}

// inTheOpen: PCP's own ports are open, and no others; so the same test would see PCP if it did not keep to the loopback address.
func inTheOpen(t *testing.T, s *scene, pod *corev1.Pod) {
	t.Helper()
	m := &monitor{scene: s, pod: pod}
	m.entrypoint(t)
	want := []string{"pod 44321", "pod 44322", "pod 44323"}
	if here.node != nil {
		want = append([]string{"node 44321", "node 44322", "node 44323"}, want...)
	}
	eventually(t, metricLimit, "open ports", func() error {
		open, err := s.reaches(pod.Status.PodIP)
		if err == nil && !slices.Equal(open, want) {
			err = fmt.Errorf("they are %v, want %v", open, want)
		}
		return err
	})
	if got, err := s.listening(pod); err != nil || !slices.Equal(got, []string{"tcp 44321", "tcp 44322", "tcp 44323"}) {
		t.Errorf("PCP listens on %v, want on its own ports (error: %v)", got, err)
	}
}

var forwarding = regexp.MustCompile(`^Forwarding from (127\.0\.0\.1:\d+) `)

// forwarded: kubectl port-forward is the way in.
func (s *scene) forwarded(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, here.kubectl, "--kubeconfig", here.kubeconfig, "--namespace", s.namespace, "port-forward", "pod/"+pod.Name, ":44322")
	output, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	line, err := bufio.NewReader(output).ReadString('\n')
	match := forwarding.FindStringSubmatch(line)
	if match == nil {
		t.Fatalf("kubectl port-forward says %q (error: %v)", line, err)
	}
	eventually(t, startLimit, "pmproxy's answer through kubectl port-forward", func() error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+match[1]+"/metrics?names=kernel.all.load", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		if err == nil && !strings.Contains(string(body), "kernel_all_load{") {
			err = errors.New(string(body))
		}
		return err
	})
}

// TestLoopback: nobody but kubectl port-forward reaches a PCP that is to listen on the loopback address alone.
func TestLoopback(t *testing.T) {
	t.Parallel()
	eachInstallation(t, "container: {image: IMAGE, listen: Loopback}", "listen: Loopback", func(s *scene, pod *corev1.Pod) { onLoopback(s.t, s, pod) })
}
