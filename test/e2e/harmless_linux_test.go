package e2e_test

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/performancecopilot/pcp-injector/test/e2e/node"
	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// expectation is of changes that do no harm.
type expectation struct {
	name   *regexp.Regexp
	reason string
}

// expected are the changes that any pod, or the machine itself, brings about.
var expected = []expectation{
	{
		regexp.MustCompile(`^/proc/sys/(fs/(dentry-state|file-nr|inode-nr|inode-state|aio-nr|quota/.*)|kernel/(ns_last_pid|pty/nr|random/.*)|net/netfilter/nf_conntrack_count)$`),
		"the kernel counts",
	},
	{
		regexp.MustCompile(`^/proc/sys/(kernel/perf_event_max_sample_rate|fs/epoll/max_user_watches)$`),
		"the kernel adapts it to the machine's speed and memory",
	},
	{
		regexp.MustCompile(`^/proc/sys/net/(ipv4|ipv6|mpls)/(conf|neigh)/(veth[0-9a-f]+|cni0)/`),
		"the network plugin's devices, which come and go with pods",
	},
	{
		regexp.MustCompile(`^mount (/tmp/pcp-e2e-\d+|/run/(containerd|netns)|/var/run/netns)/`),
		"the kubelet's and containerd's mounts for pods, in folders of their own",
	},
	{
		regexp.MustCompile(`^control group .*/(cgroup\.procs|cgroup\.threads|tasks|[a-z]+\.pressure|[a-z]+\.([a-z_]+\.)*(usage|[a-z_]*usage_in_bytes|failcnt|max_usage|stat|events|force_empty|peak)[a-z_]*)$`),
		"the kernel counts processes and what they use",
	},
	{
		regexp.MustCompile(`^control group .*/kubepods(/burstable|/besteffort)?/`),
		"the kubelet gives the classes of pods their shares",
	},
	{
		regexp.MustCompile(`^hierarchy `),
		"systemd mounts every hierarchy of version 1 that the kernel has. The kernel forgets it with its last mount",
	},
}

// unexpected are the changes of the machine since an earlier state that have no reason.
func unexpected(t *testing.T, before node.Machine) []node.Change {
	t.Helper()
	now, err := here.node.Machine()
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(before.Changes(now), func(change node.Change) bool {
		return slices.ContainsFunc(expected, func(e expectation) bool { return e.name.MatchString(change.Name) })
	})
}

// TestNoHarm: nothing on the machine changes by PCP's being there, neither while it runs nor when it has gone. It is not parallel, so
// go test runs it before the tests that are, and only its own pods are there.
func TestNoHarm(t *testing.T) {
	requireNode(t)
	untouched, err := here.node.Machine()
	if err != nil {
		t.Fatal(err)
	}
	// What is high already nobody raises.
	if err := node.LowerLimits(); err != nil {
		t.Fatal(err)
	}
	defer putBack(t, untouched)
	t.Run("Injected", func(t *testing.T) {
		requireNoHarm(t, func(s *scene) *corev1.Pod {
			s.installInjector("")
			return s.deploy(nodeMonitor(nil))
		})
	})
	t.Run("ChartOnNodesNetwork", func(t *testing.T) {
		requireNoHarm(t, func(s *scene) *corev1.Pod {
			s.installPCP("hostNetwork: true\nhostMonitoring: {enabled: true}")
			return s.awaitReady("")
		})
	})
	t.Run("Upstream", compareUpstream)
}

func requireNoHarm(t *testing.T, start func(s *scene) *corev1.Pod) {
	t.Helper()
	during, after := harm(t, func(s *scene) {
		m := &monitor{scene: s, pod: start(s)}
		m.entrypoint(m.t)
		m.awaitSystemd(m.pod.Name)
		m.sparesNode()
	})
	for _, change := range during {
		t.Errorf("while PCP runs, %s", change)
	}
	for _, change := range after {
		t.Errorf("when PCP has gone, %s", change)
	}
}

// harm runs a pod, and returns how the machine differs then, and after its end, from before.
func harm(t *testing.T, run func(s *scene)) (during, after []node.Change) {
	t.Helper()
	var before node.Machine
	ran := false
	t.Run("Alive", func(t *testing.T) {
		s := newScene(t, pcpimage.Sid.Name)
		s.alone = true
		// The first pod after the node's start has the kubelet and containerd make what all pods share.
		eventually(t, startLimit, "a pod", func() error { _, err := s.ask("true"); return err })
		var err error
		if before, err = here.node.Machine(); err != nil {
			t.Fatal(err)
		}
		run(s)
		during, ran = unexpected(t, before), true
	})
	if !ran {
		t.FailNow()
	}
	return during, unexpected(t, before)
}

// awaitSystemd returns when all has started that starts with the container.
func (s *scene) awaitSystemd(pod string) {
	s.t.Helper()
	eventually(s.t, startLimit, "systemd", func() error {
		output, err := s.in(pod, "pcp", "systemctl", "is-system-running")
		if state := strings.TrimSpace(output); state == "running" || state == "degraded" {
			return nil
		}
		return fmt.Errorf("it is %q: %w", output, err)
	})
}

// sparesNode: the container cannot write where the node would notice, and has what PCP's agents need.
func (m *monitor) sparesNode() {
	m.t.Helper()
	output, err := m.pcp("sh", "-c", `
		for path in /proc/sys/fs/file-max /proc/sys/vm/swappiness /sys/kernel/mm/transparent_hugepage/enabled; do
			! test -w $path || echo $path is writable
		done
		find /dev -xdev -type b
		for path in /dev/kmsg /dev/autofs /dev/loop-control /dev/tty0; do ! test -e $path || echo $path; done
		test -e /sys/kernel/tracing/events/sched || echo no tracefs
		pminfo -h unix: -f disk.all.total disk.dev.total | grep -q 'inst.*value' || echo no values of disks`)
	if err != nil || output != "" {
		m.t.Errorf("the container has too much or too little: %s (error: %v)", output, err)
	}
}

// compareUpstream shows how many of these things change where the same image runs as upstream's chart has it run. That the limits are
// among them shows that this test sees changes.
func compareUpstream(t *testing.T) {
	before, err := here.node.Machine()
	if err != nil {
		t.Fatal(err)
	}
	if others := here.node.Others(before); len(others) > 0 {
		t.Skipf("this machine has something to lose: %s", strings.Join(others, ", "))
	}
	defer putBack(t, before)
	during, after := harm(t, func(s *scene) {
		s.create(upstreams(s.image))
		s.awaitSystemd("upstream")
	})
	names := map[string]bool{}
	for _, change := range slices.Concat(during, after) {
		names[change.Name] = true
	}
	t.Logf("upstream's chart changes %d things, this project 0:\nwhile it runs: %v\nwhen it has gone: %v", len(names), during, after)
	if !names["/proc/sys/fs/file-max"] || !names["/proc/sys/fs/nr_open"] {
		t.Error("not even the limits were raised, so this test shows nothing")
	}
}

// upstreams is the container that upstream's chart renders with its defaults, without claims and ConfigMaps. Its command first edits files
// that only Fedora's packages have: https://github.com/performancecopilot/helm-charts/blob/main/pcp/templates/deployment.yaml.
func upstreams(image string) *corev1.Pod {
	pod := podOf("upstream", corev1.Container{
		Name: "pcp", Image: image, Command: []string{"/bin/bash", "-c", "exec /usr/sbin/init"},
		Env: []corev1.EnvVar{{Name: "PCP_SERVICES", Value: "pmcd,pmie,pmlogger,pmproxy"}, {Name: "KEY_SERVERS", Value: "localhost:6379"}},
		SecurityContext: &corev1.SecurityContext{
			Privileged: new(true), AllowPrivilegeEscalation: new(true), RunAsNonRoot: new(false),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeUnconfined},
		},
	})
	pod.Spec.TerminationGracePeriodSeconds = new(int64(15))
	return pod
}

// putBack undoes what was changed since an earlier state.
func putBack(t *testing.T, before node.Machine) {
	t.Helper()
	if err := here.node.PutBack(context.WithoutCancel(t.Context()), unexpected(t, before)); err != nil {
		t.Errorf("the machine is not as it was: %v", err)
	}
}
