// Package delivery copies the launcher into the volume from which PCP's container runs it.
package delivery

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Name is the launcher's name in the volume.
const Name = "pcp-launcher"

// mode lets anyone read and run it, and nobody write it: in the volume, it may belong to a user that PCP's services have, too.
const mode = 0o555

// Install copies an executable into a folder, which is then complete there, or is what it was: the copy has a temporary name until it is
// on the disk.
func Install(executable, folder string) (err error) {
	source, err := os.Open(executable)
	if err != nil {
		return err
	}
	defer source.Close()
	copied, err := os.CreateTemp(folder, "."+Name+"-*")
	if err != nil {
		return fmt.Errorf("failed to write to the volume for the launcher: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(copied.Name()))
		}
	}()
	if err := errors.Join(fill(copied, source), copied.Close()); err != nil {
		return fmt.Errorf("failed to copy the launcher, which has a volume of its own: %w", err)
	}
	if err := os.Rename(copied.Name(), filepath.Join(folder, Name)); err != nil {
		return err
	}
	return sync(folder)
}

func fill(copied, source *os.File) error {
	if _, err := io.Copy(copied, source); err != nil {
		return err
	}
	// Not when it is made: that would depend on the umask.
	return errors.Join(copied.Chmod(mode), copied.Sync())
}

// Accounts writes a passwd and a group in which the user who runs PCP's container is called pcp: the agent openmetrics looks its name up,
// whatever number the container has.
func Accounts(folder string, uid, gid int) error {
	return errors.Join(
		replace(filepath.Join(folder, "passwd"), fmt.Sprintf("root:x:0:0:root:/root:/bin/sh\npcp:x:%d:%d:Performance Co-Pilot:/run/pcp:/bin/sh\n", uid, gid)),
		replace(filepath.Join(folder, "group"), fmt.Sprintf("root:x:0:\npcp:x:%d:\n", gid)),
	)
}

// replace writes a file that nobody may write to.
func replace(path, text string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o444) //nolint:gosec // everybody reads it
}

// sync makes the new name last.
func sync(folder string) error {
	dir, err := os.Open(folder)
	if err != nil {
		return err
	}
	defer dir.Close()
	return dir.Sync()
}
