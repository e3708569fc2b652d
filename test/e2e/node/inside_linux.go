package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// folderVariable tells this executable, when Inside has started it again, which folder it has to itself.
const folderVariable = "PCP_E2E_FOLDER"

// Folder is where the node's files go: empty outside of the namespaces.
func Folder() string { return os.Getenv(folderVariable) }

// requirements are the commands that the node needs, and Debian's packages that have them.
var requirements = map[string]string{
	"containerd": "containerd", "ctr": "containerd", "runc": "runc", "debootstrap": "debootstrap",
	"ip": "iproute2", pluginFolder + "/bridge": "containernetworking-plugins", "iptables": "iptables",
	"buildah": "buildah", "busybox": "busybox-static",
}

// Check tells what keeps a node from running here.
func Check() error {
	if os.Geteuid() != 0 {
		return errors.New("a real node needs root")
	}
	missing := map[string]bool{}
	for command, pkg := range requirements {
		if _, err := exec.LookPath(command); err != nil {
			missing[pkg] = true
		}
	}
	if len(missing) == 0 {
		return nil
	}
	names := make([]string, 0, len(missing))
	for name := range missing {
		names = append(names, name)
	}
	return fmt.Errorf("a real node needs Debian's packages: apt-get install --no-install-recommends %s", strings.Join(names, " "))
}

// Inside runs this executable again, with the same arguments, as the first process of namespaces of its own, and returns its exit
// code. When that process ends, the kernel ends all others in there and removes mounts and network devices; what outlives
// namespaces, control groups and settings of the kernel, is put back here.
func Inside(ctx context.Context, out io.Writer) (code int, err error) {
	if err := sweep(); err != nil {
		return 1, err
	}
	group := groupRoot(os.Getpid())
	folder := filepath.Join(os.TempDir(), group)
	if err := os.Mkdir(folder, 0o755); err != nil {
		return 1, err
	}
	before := hostSettings()
	defer func() {
		err = errors.Join(err, before.restore(), removeGroups(group), os.RemoveAll(folder))
	}()
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.CommandContext(ctx, self, os.Args[1:]...) //nolint:gosec // Whoever runs the tests runs them again.
	// What a killed control plane leaves behind goes with the folder, as does kubectl's cache of an API server that is never there again.
	cmd.Env = append(os.Environ(), "TMPDIR="+folder, "KUBECACHEDIR="+filepath.Join(folder, "kubectl"), folderVariable+"="+folder, groupVariable+"="+group)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWPID, Pdeathsig: syscall.SIGKILL}
	// The parent-death signal is sent when the thread that started the process ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(1, ended.ExitCode()), nil
	}
	return 0, err
}
