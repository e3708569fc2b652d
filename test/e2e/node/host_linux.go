package node

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	groupFolder = "/sys/fs/cgroup"
	groupPrefix = "pcp-e2e-"
	// groupVariable holds the name of the node's control groups: it has the process id that starts it, outside of the namespaces.
	groupVariable = "PCP_E2E_GROUP"
)

// settings are what the whole machine shares, and a privileged systemd may change: see HostState.
type settings map[string]string

// hostFiles tell of settings; those below /proc/sys are put back after a run.
var hostFiles = []string{
	"/proc/sys/fs/protected_regular", "/proc/sys/fs/protected_fifos", "/proc/sys/fs/protected_hardlinks", "/proc/sys/fs/protected_symlinks",
	"/proc/sys/fs/file-max", "/proc/sys/fs/nr_open", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/sysrq", "/proc/sys/kernel/panic",
	"/proc/sys/kernel/panic_on_oops", "/proc/sys/kernel/printk", "/proc/sys/vm/overcommit_memory", "/proc/sys/vm/panic_on_oom", "/proc/swaps",
}

func hostSettings() settings {
	found := settings{}
	for _, path := range hostFiles {
		if content, err := os.ReadFile(path); err == nil {
			found[path] = string(content)
		}
	}
	return found
}

func (s settings) restore() error {
	var problems error
	for path, content := range s {
		now, err := os.ReadFile(path)
		if err == nil && string(now) != content && strings.HasPrefix(path, "/proc/sys/") {
			problems = errors.Join(problems, os.WriteFile(path, []byte(content), 0))
		}
	}
	return problems
}

// HostState is what a container must leave alone, as text: settings of the kernel, swap, and the loop devices in use. What the kubelet
// itself sets is left out.
func HostState() string {
	var state strings.Builder
	for _, path := range hostFiles {
		if !strings.HasPrefix(path, "/proc/sys/kernel/panic") && !strings.HasPrefix(path, "/proc/sys/vm/") {
			fmt.Fprintf(&state, "%s: %s\n", path, strings.TrimSpace(hostSettings()[path]))
		}
	}
	loops, _ := filepath.Glob("/sys/block/loop*/loop/backing_file")
	for _, path := range loops {
		content, _ := os.ReadFile(path)
		fmt.Fprintf(&state, "%s: %s\n", path, strings.TrimSpace(string(content)))
	}
	return state.String()
}

func groupRoot(pid int) string { return "/" + groupPrefix + strconv.Itoa(pid) }

// makeGroups makes the node's control group in each hierarchy; that for processors needs its settings from above.
func makeGroups(name string) error {
	hierarchies, err := filepath.Glob(groupFolder + "/*/cgroup.procs")
	if err != nil {
		return err
	}
	if len(hierarchies) == 0 {
		return fmt.Errorf("no control groups of version 1 in %s", groupFolder)
	}
	for _, procs := range hierarchies {
		parent := filepath.Dir(procs)
		group := filepath.Join(parent, name)
		if err := os.MkdirAll(group, 0o755); err != nil {
			return fmt.Errorf("no control group for the node: %w", err)
		}
		for _, file := range []string{"cpuset.mems", "cpuset.cpus"} {
			if content, err := os.ReadFile(filepath.Join(parent, file)); err == nil {
				if err := os.WriteFile(filepath.Join(group, file), content, 0); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// removeGroups removes the node's control groups. Those of processes that are just ending are busy for a moment.
func removeGroups(name string) error {
	deadline := time.Now().Add(10 * time.Second)
	for {
		roots, err := filepath.Glob(filepath.Join(groupFolder, "*", name))
		for _, root := range roots {
			err = errors.Join(err, removeGroup(root))
		}
		if err == nil || time.Now().After(deadline) {
			return err
		}
		<-time.After(50 * time.Millisecond)
	}
}

// removeGroup removes the innermost groups first. The files in them are not files to remove.
func removeGroup(path string) error {
	entries, err := os.ReadDir(path)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeGroup(filepath.Join(path, entry.Name())))
		}
	}
	return errors.Join(err, os.Remove(path))
}

// sweep removes the control groups and the folders of runs that were killed.
func sweep() error {
	groups, _ := filepath.Glob(filepath.Join(groupFolder, "*", groupPrefix+"*"))
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), groupPrefix+"*"))
	var problems error
	for _, left := range append(groups, folders...) {
		name := filepath.Base(left)
		pid, err := strconv.Atoi(strings.TrimPrefix(name, groupPrefix))
		if err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		problems = errors.Join(problems, removeGroups("/"+name), os.RemoveAll(filepath.Join(os.TempDir(), name)))
	}
	return problems
}
