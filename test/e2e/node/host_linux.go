package node

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
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

// differences returns what is different now.
func (s settings) differences(now settings) (changes error) {
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if s[name] != now[name] {
			changes = errors.Join(changes, fmt.Errorf("%s: from %q to %q", name, s[name], now[name]))
		}
	}
	return changes
}

// hostState is what a container must leave alone, and nobody else here changes: settings of the kernel and the baits. What the kubelet
// itself sets is left out, as are devices of others, who may detach them. Machine looks at everything.
func (n *Node) hostState() settings {
	state := readSettings(systemdSettings)
	devices := loopDevices(n.group)
	state["loop device"] = devices[loopFile]
	state["swap"] = strconv.FormatBool(slices.Contains(swaps(), devices[swapFile]))
	_, err := os.Stat(filepath.Join(formatsFolder, formatOf(n.group)))
	state["interpreter"] = strconv.FormatBool(err == nil)
	return state
}

// look keeps the state from before the first pod, for CheckHost.
func (n *Node) look(context.Context) error {
	n.before = n.hostState()
	return nil
}

// CheckHost returns nil if what a privileged systemd would change, and nobody else does, is as it was before the first pod: settings of
// the kernel, a swap device, a loop device that nobody uses, and an interpreter. The error says what changed, from what to what.
func (n *Node) CheckHost() error {
	if err := n.before.differences(n.hostState()); err != nil {
		return fmt.Errorf("the machine has changed since before the first pod: %w", err)
	}
	return nil
}
