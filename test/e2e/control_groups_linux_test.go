package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/e2e/node"
)

// askVersion2 asks PCP's agent proc, with the environment that pmcd gave it, on a node that has control groups of version 2 alone: that is how
// it looks from a mount namespace of its own.
const askVersion2 = `set -eu
for mount in $(awk '$3 == "cgroup" || $3 == "cgroup2" {print $2}' /proc/mounts | sort -r); do umount --lazy "$mount"; done
mount -t cgroup2 -o "rw,$1" none /sys/fs/cgroup
mount -t cgroup2 -o "rw,$1" none "$HOST_MOUNT/sys/fs/cgroup"
shift
export "$(tr '\0' '\n' <"/proc/$(pidof pmcd)/environ" | grep '^PROC_STATSPATH=')"
exec pminfo -L -K clear -K add,3,/var/lib/pcp/pmdas/proc/pmda_proc.so,proc_init -f "$@"
`

// seesPod: PCP knows the CPU time and the pressure of another pod, which is found by its UID. Without the step control-groups.sh, the agent of
// each version looks in the wrong place for groups of version 2.
func (s *scene) seesPod(pcp *corev1.Pod) {
	s.t.Helper()
	pod := s.createBusyOn(pcp.Spec.NodeName)
	ask := []string{"pminfo", "-h", "unix:", "-f"}
	if here.node != nil {
		s.unify(pod)
		ask = []string{"unshare", "--mount", "sh", "-c", askVersion2, "sh", node.VersionTwoOptions()}
	}
	group := `"[^"]*pod` + strings.ReplaceAll(string(pod.UID), "-", "[-_]") + `[^"]*"\] value `
	for metric, value := range map[string]string{"cgroup.cpu.stat.usage": "[1-9]", "cgroup.pressure.cpu.some.total": "[0-9]"} {
		eventually(s.t, metricLimit, metric+" of a pod", func() error {
			output, err := s.in(pcp.Name, "pcp", append(ask, metric)...)
			if err == nil && !regexp.MustCompile(group+value).MatchString(output) {
				err = fmt.Errorf("pod %s is not in %.3000s", pod.UID, output)
			}
			return err
		})
	}
}

func (s *scene) createBusyOn(nodeName string) (pod *corev1.Pod) {
	s.t.Helper()
	pod = runs("busy", "sh", "-c", "while sleep 0.2; do :; done")
	pod.Spec.NodeName = nodeName
	s.create(pod)
	eventually(s.t, startLimit, "a busy pod", func() (err error) {
		if _, err = s.in(pod.Name, pod.Name, "true"); err == nil {
			pod, err = s.client.CoreV1().Pods(s.namespace).Get(s.t.Context(), pod.Name, metav1.GetOptions{})
		}
		return err
	})
	return pod
}

// unify gives a pod of this machine's own node the control groups of version 2 that the kubelet would give it on a node without version 1.
// The hierarchy is real, and has no controllers, which CPU time and pressure do not need.
func (s *scene) unify(pod *corev1.Pod) {
	s.t.Helper()
	hierarchy := s.t.TempDir()
	unmount, err := node.MountVersionTwo(hierarchy, node.VersionTwoOptions())
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() {
		if err := unmount(); err != nil {
			s.t.Error(err)
		}
	})
	ownPath := regexp.MustCompile(`(?m)^[0-9]+:cpu:(/.*/pod` + string(pod.UID) + `/.*)$`)
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil {
		s.t.Fatal(err)
	}
	moved := 0
	for _, file := range files {
		content, _ := os.ReadFile(file) // The process may have ended.
		if own := ownPath.FindSubmatch(content); len(own) > 1 && s.move(filepath.Base(filepath.Dir(file)), hierarchy, string(own[1])) {
			moved++
		}
	}
	if moved == 0 {
		s.t.Fatalf("pod %s has no processes", pod.UID)
	}
}

// move puts a process into a group, until the test ends.
func (s *scene) move(process, hierarchy, path string) bool {
	s.t.Helper()
	group := filepath.Join(hierarchy, path)
	if err := os.MkdirAll(group, 0o755); err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), []byte(process), 0); err != nil {
		return false // It may have ended.
	}
	s.t.Cleanup(func() {
		// Groups that are not empty, or already gone, are the node's to remove at its end.
		_ = os.WriteFile(filepath.Join(hierarchy, "cgroup.procs"), []byte(process), 0)
		_ = os.Remove(group)
		_ = os.Remove(filepath.Dir(group))
	})
	return true
}

// seesFiles: the node's file systems are among PCP's, below the folder where they are mounted, and so are its disks.
func (s *scene) seesFiles(pcp *corev1.Pod) {
	s.t.Helper()
	output, err := s.in(pcp.Name, "pcp", "pminfo", "-h", "unix:", "-f", "filesys.mountdir", "filesys.capacity", "disk.all.total")
	for _, want := range []string{`"\] value "/host`, `filesys\.capacity\n( +inst .*\n)* +inst .* value [1-9]`, `disk\.all\.total\n +value [1-9]`} {
		if !regexp.MustCompile(want).MatchString(output) {
			s.t.Errorf("%s is not in %s (error: %v)", want, output, err)
		}
	}
}
