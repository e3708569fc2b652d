package node

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// Machine is what of this machine a privileged container could change: the value of each thing by its name. What has a path is called
// by it, control groups and mounts with a word before it.
type Machine map[string]string

// Change is that of one thing. A value is empty where the thing is not there.
type Change struct{ Name, Before, After string }

func (c Change) String() string { return fmt.Sprintf("%s: from %q to %q", c.Name, c.Before, c.After) }

// Changes are the differences to a later state, by name.
func (m Machine) Changes(later Machine) (changes []Change) {
	names := maps.Clone(m)
	maps.Copy(names, later)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if m[name] != later[name] {
			changes = append(changes, Change{name, m[name], later[name]})
		}
	}
	return changes
}

// Machine looks at everything of this machine that a privileged container could change, counters included. What other runs of these
// tests have on the machine is left out.
func (n *Node) Machine() (Machine, error) {
	m := Machine{}
	for _, observe := range []func(Machine) error{
		observeSysctls, observeSys, observeDevices, observeNames, n.observeGroups, observeMounts, n.observeBaits, n.observeLog,
	} {
		if err := observe(m); err != nil {
			return nil, fmt.Errorf("failed to look at the machine: %w", err)
		}
	}
	return m, nil
}

// put adds a file's content. Some files cannot be read at times, and a few never.
func (m Machine) put(name, path string) {
	if content, err := os.ReadFile(path); err == nil {
		m[name] = strings.TrimSpace(string(content))
	}
}

// observeSysctls adds all settings of the kernel that can be read; those of the network are the node's.
func observeSysctls(m Machine) error {
	return filepath.WalkDir("/proc/sys", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case path == formatsFolder:
			return filepath.SkipDir
		case err == nil && entry.Type().IsRegular():
			m.put(path, path)
		}
		return nil // Network devices come and go with pods.
	})
}

// observeSys adds the settings in /sys that a systemd or an udev that takes the machine for its own could change. Loop devices are left
// out: others have some, too.
func observeSys(m Machine) error {
	for _, pattern := range []string{"/sys/kernel/*", "/sys/kernel/mm/*/*", "/sys/module/*/parameters/*", "/sys/block/*/queue/*"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			return err
		}
		for _, path := range paths {
			info, err := os.Stat(path)
			if err == nil && info.Mode().IsRegular() && info.Mode()&0o200 != 0 && !strings.HasPrefix(path, "/sys/block/loop") {
				m.put(path, path)
			}
		}
	}
	return nil
}

// observeDevices adds kind, owner, rights and number of each file in /dev, but those of terminals and of shared memory, which come and go.
func observeDevices(m Machine) error {
	return filepath.WalkDir("/dev", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == "/dev/pts" || path == "/dev/shm" || path == "/dev/mqueue" {
			return filepath.SkipDir
		}
		info, err := entry.Info()
		if err != nil {
			return nil //nolint:nilerr // It was removed meanwhile.
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok {
			m[path] = fmt.Sprintf("%s %d:%d %x", info.Mode(), stat.Uid, stat.Gid, stat.Rdev)
		}
		return nil
	})
}

// observeNames adds the host name, which pods on the node's network share, the kernel's modules and time zone.
func observeNames(m Machine) (err error) {
	if m["host name"], err = os.Hostname(); err != nil {
		return err
	}
	var zone struct{ minutesWest, daylightSaving int32 }
	address := uintptr(unsafe.Pointer(&zone)) //nolint:gosec // No function of Go's returns it.
	if _, _, failure := syscall.RawSyscall(syscall.SYS_GETTIMEOFDAY, 0, address, 0); failure != 0 {
		return fmt.Errorf("failed to ask for the kernel's time zone: %w", failure)
	}
	m["time zone"] = fmt.Sprintf("%d minutes west, %d", zone.minutesWest, zone.daylightSaving)
	for _, line := range lines("/proc/modules") {
		m["module "+strings.Fields(line)[0]] = "loaded"
	}
	return nil
}

// observeGroups adds the settings of the control groups above the pods', and the names of the groups in them, of every hierarchy.
func (n *Node) observeGroups(m Machine) error {
	for _, line := range lines("/proc/self/cgroup") {
		// https://man7.org/linux/man-pages/man7/cgroups.7.html: hierarchy, controllers, path.
		if fields := strings.SplitN(line, ":", 3); len(fields) == 3 {
			m["hierarchy "+fields[1]] = "mounted"
		}
	}
	roots, err := filepath.Glob(groupFolder + "/*/cgroup.procs")
	if err != nil {
		return err
	}
	for _, procs := range roots {
		for _, group := range []string{"", n.group, n.group + "/" + podGroup, n.group + "/" + podGroup + "/burstable", n.group + "/" + podGroup + "/besteffort"} {
			if err := n.observeGroup(m, filepath.Dir(procs)+group); err != nil {
				return err
			}
		}
	}
	return nil
}

func (n *Node) observeGroup(m Machine, group string) error {
	entries, err := os.ReadDir(group)
	if err != nil {
		return nil //nolint:nilerr // The kubelet makes its groups in the hierarchies that it needs.
	}
	for _, entry := range entries {
		path, name := filepath.Join(group, entry.Name()), entry.Name()
		if entry.IsDir() {
			if !strings.HasPrefix(name, "pod") && (!strings.HasPrefix(name, groupPrefix) || "/"+name == n.group) {
				m["control group "+path] = "there"
			}
			continue
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Mode()&0o200 != 0 && info.Mode()&0o444 != 0 {
			m.put("control group "+path, path)
		}
	}
	return nil
}

// observeMounts adds the mounts of the node's own namespace.
func observeMounts(m Machine) error {
	for _, line := range lines("/proc/self/mountinfo") {
		// https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html: the root within the file system, the mount point, its options.
		if fields := strings.Fields(line); len(fields) > 6 {
			_, system, _ := strings.Cut(line, " - ")
			m["mount "+fields[4]] += fmt.Sprintf("%s %s %s; ", fields[3], fields[5], system)
		}
	}
	return nil
}

// observeLog adds the last line that a program wrote into the kernel's log.
func (n *Node) observeLog(m Machine) error {
	file, err := os.OpenFile("/dev/kmsg", os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer file.Close()
	descriptor, record := int(file.Fd()), make([]byte, 8192)
	for {
		// One record at a time: https://www.kernel.org/doc/Documentation/ABI/testing/dev-kmsg.
		length, err := syscall.Read(descriptor, record)
		switch {
		case err == syscall.EPIPE: // Records that nobody has read were overwritten.
			continue
		case err != nil || length <= 0:
			m["kernel log"] = n.logged
			return nil
		}
		if text := string(record[:length]); !byKernel(text) {
			n.logged, _, _ = strings.Cut(text, "\n")
		}
	}
}

// byKernel: the kernel does not let programs write under its own facility, which is 0.
func byKernel(record string) bool {
	priority, _, _ := strings.Cut(record, ",")
	number, err := strconv.Atoi(priority)
	return err == nil && number>>3 == 0
}

func lines(path string) []string {
	content, _ := os.ReadFile(path)
	return slices.Collect(strings.Lines(string(content)))
}
