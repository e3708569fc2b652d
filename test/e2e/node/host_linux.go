package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// settingsFile keeps, in the node's folder, the settings from before the node was started.
const settingsFile = "settings.json"

var (
	// systemdSettings are the kernel's that a privileged systemd may change, and nobody else here does.
	systemdSettings = []string{
		"/proc/sys/fs/protected_regular", "/proc/sys/fs/protected_fifos", "/proc/sys/fs/protected_hardlinks", "/proc/sys/fs/protected_symlinks",
		"/proc/sys/fs/file-max", "/proc/sys/fs/nr_open", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/sysrq", "/proc/sys/kernel/printk",
	}
	// kubeletSettings are those that each kubelet sets as it wants them (setupKernelTunables).
	kubeletSettings = []string{
		"/proc/sys/kernel/panic", "/proc/sys/kernel/panic_on_oops", "/proc/sys/kernel/keys/root_maxkeys", "/proc/sys/kernel/keys/root_maxbytes",
		"/proc/sys/vm/overcommit_memory", "/proc/sys/vm/panic_on_oom",
	}
)

// settings are what the whole machine shares, by name.
type settings map[string]string

// readSettings leaves out what this kernel does not have.
func readSettings(paths []string) settings {
	found := settings{}
	for _, path := range paths {
		if content, err := os.ReadFile(path); err == nil {
			found[path] = strings.TrimSpace(string(content))
		}
	}
	return found
}

// saveSettings keeps the kernel's settings in the folder, for restoreSettings.
func saveSettings(folder string) error {
	content, err := json.Marshal(readSettings(slices.Concat(systemdSettings, kubeletSettings)))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, settingsFile), content, 0o600)
}

// restoreSettings puts the settings that the folder keeps back, if there are any. It does not trust a folder of another user:
// everybody may make one where temporary files go.
func restoreSettings(folder string) error {
	info, err := os.Lstat(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !ok || !info.IsDir() || int(owner.Uid) != os.Geteuid() {
		return nil
	}
	content, err := os.ReadFile(filepath.Join(folder, settingsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // It was killed before it changed any.
	}
	if err != nil {
		return err
	}
	var saved settings
	if err := json.Unmarshal(content, &saved); err != nil {
		return fmt.Errorf("failed to read the settings that %s keeps: %w", folder, err)
	}
	return saved.restore()
}

func (s settings) restore() (problems error) {
	now := readSettings(slices.Collect(maps.Keys(s)))
	for path, value := range s {
		if now[path] != value {
			problems = errors.Join(problems, os.WriteFile(path, []byte(value), 0))
		}
	}
	return problems
}

// differences tells what is different now.
func (s settings) differences(now settings) (changes error) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if s[name] != now[name] {
			changes = errors.Join(changes, fmt.Errorf("%s: from %q to %q", name, s[name], now[name]))
		}
	}
	return changes
}

// hostState is what a container must leave alone: settings of the kernel, swap, and the node's loop device. What the kubelet itself
// sets is left out, as are the loop devices of others, who may detach them.
func (n *Node) hostState() settings {
	state := readSettings(systemdSettings)
	state["swap"] = strings.Join(swaps(), " ")
	state["loop device"] = strings.Join(loopDevices(n.group), " ")
	return state
}

// swaps are the names of what the machine swaps to, without how much is in use.
func swaps() (names []string) {
	content, _ := os.ReadFile("/proc/swaps")
	for line := range strings.Lines(string(content)) {
		names = append(names, strings.Fields(line)[0])
	}
	return names
}

// CheckHost returns nil if this machine is as it was before the first pod, and else an error that tells what changed, from what to
// what: settings of the kernel, swap, or a loop device that nobody uses. A privileged systemd changes them when it does not know that
// it is in a container: it turns swap off and detaches loop devices when it is stopped.
func (n *Node) CheckHost() error {
	if err := n.before.differences(n.hostState()); err != nil {
		return fmt.Errorf("the machine has changed since before the first pod: %w", err)
	}
	return nil
}
