//go:build linux

package preparation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// sysctls: a bind mount fails where the runtime's security policy forbids mounts, but then /proc/sys is read-only already.
func (c *Container) sysctls() error {
	err := c.System.MountReadOnly(c.path("/proc/sys"), true)
	if err != nil && !c.System.Writable(c.path("/proc/sys/fs/file-max")) {
		return nil
	}
	return err
}

func (c *Container) sys() error { return c.System.MountReadOnly(c.path("/sys"), false) }

func (c *Container) devices() (err error) {
	for _, pattern := range []string{"kmsg", "autofs", "loop-control", "watchdog*", "tty[0-9]*", "vcs*"} {
		found, _ := filepath.Glob(c.path("/dev/" + pattern)) // The patterns are well-formed.
		for _, device := range found {
			err = errors.Join(err, os.Remove(device))
		}
	}
	return err
}

// disks removes block devices, but not in what is mounted below /dev.
func (c *Container) disks() error {
	dev, err := os.OpenRoot(c.path("/dev"))
	if err != nil {
		return err
	}
	defer dev.Close()
	top, err := dev.Stat(".")
	if err != nil {
		return err
	}
	var failed error
	err = fs.WalkDir(dev.FS(), ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			failed = errors.Join(failed, err)
		case entry.IsDir() && deviceOf(entry) != device(top):
			return fs.SkipDir
		case entry.Type()&fs.ModeDevice != 0 && entry.Type()&fs.ModeCharDevice == 0:
			failed = errors.Join(failed, dev.Remove(path))
		}
		return nil
	})
	return errors.Join(err, failed)
}

func deviceOf(entry fs.DirEntry) uint64 {
	info, err := entry.Info()
	if err != nil {
		return 0
	}
	return device(info)
}

// device is the file system that a file is in.
func device(info fs.FileInfo) uint64 {
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		return stat.Dev
	}
	return 0
}

// hasLegacyGroups: the node has control groups of version 1.
func (c *Container) hasLegacyGroups() bool {
	_, err := os.Stat(c.path("/sys/fs/cgroup/cgroup.controllers"))
	return errors.Is(err, fs.ErrNotExist)
}

// controlGroups makes PROC_STATSPATH a folder that has the node's proc and sys, with and without HOST_MOUNT before them.
func (c *Container) controlGroups() error {
	const folder = "/var/lib/pcp-host"
	if err := c.linkHostTo(folder); err != nil {
		return err
	}
	return c.dropIn("pmcd", "control-groups", "[Service]", fmt.Sprintf("Environment=%s", quote("PROC_STATSPATH="+folder)))
}

func (c *Container) linkHostTo(folder string) error {
	mount := c.Entrypoint.HostMount
	if err := os.MkdirAll(c.path(folder+filepath.Dir(mount)), folderMode); err != nil {
		return err
	}
	for name, target := range map[string]string{"/proc": mount + "/proc", "/sys": mount + "/sys", mount: mount} {
		if err := c.link(target, folder+name); err != nil {
			return err
		}
	}
	return nil
}
