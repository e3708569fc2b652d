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
	"strconv"
	"strings"
	"syscall"
)

// folderVariable names the folder that this executable has to itself after Inside has started it again.
const folderVariable = "PCP_E2E_FOLDER"

// Folder is where the node's files go: empty outside of the namespaces.
func Folder() string { return os.Getenv(folderVariable) }

// requirements are the commands that the node needs, and Debian's packages that have them.
var requirements = map[string]string{
	"containerd": "containerd", "ctr": "containerd", "runc": "runc", "debootstrap": "debootstrap",
	"ip": "iproute2", pluginFolder + "/bridge": "containernetworking-plugins", "iptables": "iptables",
	"buildah": "buildah", "busybox": "busybox-static",
}

// Check returns what keeps a node from running here: what Suits finds, or packages that are not installed.
func Check() error {
	if err := Suits(); err != nil {
		return err
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
// namespaces, control groups, settings of the kernel and baits, is put back here, or by the next run if this process is killed. Where a
// bait cannot be laid, out says why.
func Inside(ctx context.Context, out io.Writer) (code int, err error) {
	if err := sweep(ctx); err != nil {
		return 1, err
	}
	group := groupRoot(os.Getpid())
	folder := filepath.Join(os.TempDir(), group)
	if err := os.Mkdir(folder, 0o755); err != nil {
		return 1, err
	}
	defer func() { // Even if the context is done.
		err = errors.Join(err, clean(context.WithoutCancel(ctx), group))
	}()
	if err := saveSettings(folder); err != nil {
		return 1, err
	}
	if err := layBaits(ctx, folder, group); err != nil {
		fmt.Fprintln(out, "not everything that containers must leave alone is checked:", err)
	}
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.CommandContext(ctx, self, os.Args[1:]...) //nolint:gosec // The user who runs the tests runs them again.
	// What a killed control plane leaves behind goes with the folder, as does kubectl's cache of an API server that is never there again.
	cmd.Env = append(os.Environ(), "TMPDIR="+folder, "KUBECACHEDIR="+filepath.Join(folder, "kubectl"), "KUBERC=off", folderVariable+"="+folder, groupVariable+"="+group)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	// The parent-death signal is sent when the thread that started the process ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err = cmd.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(1, ended.ExitCode()), nil
	}
	return 0, err
}

// clean puts back what outlives the namespaces of the run whose control groups have this name, and removes its folder.
func clean(ctx context.Context, group string) error {
	folder := filepath.Join(os.TempDir(), group)
	return errors.Join(restoreSettings(folder), removeGroups(group), removeBaits(ctx, folder, group), os.RemoveAll(folder))
}

// sweep cleans up after runs that were killed.
func sweep(ctx context.Context) error {
	groups, _ := filepath.Glob(filepath.Join(groupFolder, "*", groupPrefix+"*"))
	folders, _ := filepath.Glob(filepath.Join(os.TempDir(), groupPrefix+"*"))
	var problems error
	for _, left := range append(groups, folders...) {
		name := filepath.Base(left)
		pid, err := strconv.Atoi(strings.TrimPrefix(name, groupPrefix))
		// In a container, process ids begin anew: this process may have that of a killed one.
		if err != nil || pid != os.Getpid() && syscall.Kill(pid, 0) == nil {
			continue
		}
		problems = errors.Join(problems, clean(ctx, "/"+name))
	}
	return problems
}
