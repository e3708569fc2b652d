package node

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// bridgeSetting is there when bridges show connections between their own ports to the firewall.
const bridgeSetting = "/proc/sys/net/bridge/bridge-nf-call-iptables"

// namespaces are those that the node has to itself.
const namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID

// hierarchies are the control groups of version 1 that the kubelet needs, and runc's devices.
var hierarchies = []string{"cpu", "cpuacct", "cpuset", "memory", "pids", "devices"}

// Suits returns nil where a node can run on this machine, save for packages, and else an error that names all that is missing, and
// the remedy. It loads the kernel's module overlay if that is not yet, and changes nothing else.
func Suits() error {
	if os.Geteuid() != 0 {
		return errors.New("a real node needs root")
	}
	if err := errors.Join(suitsNamespaces(), suitsGroups(), suitsOverlay(), suitsBridge()); err != nil {
		return fmt.Errorf("a real node cannot run on this machine: give a cluster in E2E_KUBECONFIG, or see to this:\n%w", err)
	}
	return nil
}

func suitsNamespaces() error {
	cmd := exec.Command("true") //nolint:noctx // It ends at once.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("root cannot make namespaces here: %w: run on the machine itself, or in a privileged container", err)
	}
	return nil
}

func suitsGroups() error {
	const remedy = "boot a kernel and a systemd that know them with systemd.unified_cgroup_hierarchy=0"
	var missing []string
	for _, name := range hierarchies {
		if _, err := os.Stat(filepath.Join(groupFolder, name, "cgroup.procs")); err != nil {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("no control groups of version 1 in %s for %s: %s", groupFolder, strings.Join(missing, ", "), remedy)
	}
	const writable = 2 // W_OK of access(2).
	if err := syscall.Access(filepath.Join(groupFolder, hierarchies[0]), writable); err != nil {
		return fmt.Errorf("no control groups can be made in %s: %w: mount it writable", groupFolder, err)
	}
	return nil
}

// suitsOverlay loads the module, as the first mount would: the kernel lists no file system before.
func suitsOverlay() error {
	if hasOverlay() {
		return nil
	}
	output, err := exec.Command("modprobe", "overlay").CombinedOutput() //nolint:noctx // It ends soon.
	if hasOverlay() {
		return nil
	}
	return fmt.Errorf("the kernel has no file system overlay (modprobe overlay: %w: %s): take a kernel that has it", err, strings.TrimSpace(string(output)))
}

func hasOverlay() bool {
	known, err := os.ReadFile("/proc/filesystems")
	return err == nil && strings.Contains(string(known), "\toverlay\n")
}

// suitsBridge does not load the module: the firewall would then hold for the machine's own bridges too.
func suitsBridge() error {
	if _, err := os.Stat(bridgeSetting); err != nil {
		return fmt.Errorf("%s is not there: modprobe br_netfilter", bridgeSetting)
	}
	return nil
}
