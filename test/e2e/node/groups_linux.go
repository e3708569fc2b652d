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
	// releaseLimit is how long killed processes may take to be gone on a slow machine, and their control groups with them.
	releaseLimit = 30 * time.Second
)

func groupRoot(pid int) string { return "/" + groupPrefix + strconv.Itoa(pid) }

// makeGroups makes the node's control group in each hierarchy; that for processors needs its settings from above.
func makeGroups(name string) error {
	files, err := filepath.Glob(groupFolder + "/*/cgroup.procs")
	if err != nil {
		return err
	}
	for _, procs := range files {
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
	deadline := time.Now().Add(releaseLimit)
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

// delegation makes namespaces the boundaries of control groups. It is an option of version 2's one hierarchy, so of the whole machine, and
// every mount of that outside of namespaces sets or clears it: https://docs.kernel.org/admin-guide/cgroup-v2.html#mounting.
const delegation = "nsdelegate"

// VersionTwoOptions are the options with which control groups of version 2 can be mounted without a change of the machine's.
func VersionTwoOptions() string {
	for _, line := range lines("/proc/self/mountinfo") {
		if strings.Contains(line, " - cgroup2 ") {
			return optionsIn(line)
		}
	}
	return ""
}

func optionsIn(mounts string) string {
	if strings.Contains(mounts, delegation) {
		return delegation
	}
	return ""
}

// MountVersionTwo mounts control groups of version 2, and returns how to unmount them.
func MountVersionTwo(folder, options string) (unmount func() error, err error) {
	if err := syscall.Mount("none", folder, "cgroup2", 0, options); err != nil {
		return nil, fmt.Errorf("no control groups of version 2: %w", err)
	}
	return func() error { return syscall.Unmount(folder, syscall.MNT_DETACH) }, nil
}

func setVersionTwoOptions(options string) error {
	folder, err := os.MkdirTemp("", groupPrefix)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(folder) }()
	unmount, err := MountVersionTwo(folder, options)
	if err != nil {
		return err
	}
	return unmount()
}
