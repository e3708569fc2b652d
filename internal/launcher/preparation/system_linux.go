package preparation

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Kernel is the System of a real container. What it changes for the process is its thread's at first: the caller stays on it
// (runtime.LockOSThread) until it executes another program.
type Kernel struct {
	// Env is that of programs; nil: this process's.
	Env []string
}

// keptFlags of a mount, which a remount would clear otherwise.
const keptFlags = unix.MS_NOSUID | unix.MS_NODEV | unix.MS_NOEXEC | unix.MS_NOATIME | unix.MS_NODIRATIME | unix.MS_RELATIME

// MountReadOnly implements System.
func (Kernel) MountReadOnly(path string, bind bool) error {
	if bind {
		if err := unix.Mount(path, path, "", unix.MS_BIND, ""); err != nil {
			return &os.PathError{Op: "bind", Path: path, Err: err}
		}
	}
	var mounted unix.Statfs_t
	if err := unix.Statfs(path, &mounted); err != nil {
		return &os.PathError{Op: "statfs", Path: path, Err: err}
	}
	// The flags of statfs have the numbers of mount's, but for relatime.
	flags := uintptr(mounted.Flags) & keptFlags &^ unix.MS_RELATIME //nolint:gosec // a set of bits
	if mounted.Flags&unix.ST_RELATIME != 0 {
		flags |= unix.MS_RELATIME
	}
	if err := unix.Mount("", path, "", unix.MS_REMOUNT|unix.MS_BIND|unix.MS_RDONLY|flags, ""); err != nil {
		return &os.PathError{Op: "remount read-only", Path: path, Err: err}
	}
	return nil
}

// Writable implements System.
func (Kernel) Writable(path string) bool { return unix.Access(path, unix.W_OK) == nil }

// LeaveControlGroups implements System.
func (Kernel) LeaveControlGroups() error {
	if err := unix.Unshare(unix.CLONE_NEWCGROUP); err != nil {
		return fmt.Errorf("no control groups of its own: %w", err)
	}
	return nil
}

// Drop implements System.
func (Kernel) Drop(capabilities []Capability) error {
	for _, c := range capabilities {
		// An old kernel does not know the newest ones, so nobody has them.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, uintptr(c), 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) {
			return fmt.Errorf("failed to drop capability %d: %w", c, err)
		}
	}
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("failed to read capabilities: %w", err)
	}
	for _, c := range capabilities {
		sets[c/32].Inheritable &^= 1 << (c % 32)
	}
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("failed to drop inheritable capabilities: %w", err)
	}
	return nil
}

// runLimit is how long a program of the image may take: none waits for anything.
const runLimit = time.Minute

// Run implements System.
func (k Kernel) Run(name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), runLimit)
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the names are this package's
	cmd.Stderr, cmd.Env = &said, k.Env
	output, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s: %w: %s", strings.Join(cmd.Args, " "), err, strings.TrimSpace(said.String()))
	}
	return string(output), nil
}

func isNoLink(err error) bool { return errors.Is(err, syscall.EINVAL) }
