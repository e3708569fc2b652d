package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	backingFiles = "/sys/block/loop*/loop/backing_file"
	// loopSize is that of the file of the loop device, in bytes. Nobody reads or writes it.
	loopSize = 1 << 20
)

// attachLoop attaches a loop device to a file in the folder. Nobody uses it: a systemd that takes this machine for its own detaches
// it when it is stopped, which is how CheckHost finds one.
func attachLoop(ctx context.Context, folder string) error {
	path := filepath.Join(folder, "loop")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		return err
	}
	if err := os.Truncate(path, loopSize); err != nil {
		return err
	}
	return losetup(ctx, "--find", path)
}

// detachLoops detaches the loop devices of the node whose control groups have this name.
func detachLoops(ctx context.Context, group string) (problems error) {
	for _, device := range loopDevices(group) {
		problems = errors.Join(problems, losetup(ctx, "--detach", device))
	}
	return problems
}

// loopDevices are those that are attached to files of the node: its folder has the name of its control groups.
func loopDevices(group string) (devices []string) {
	paths, _ := filepath.Glob(backingFiles)
	for _, path := range paths {
		if file, err := os.ReadFile(path); err == nil && strings.Contains(string(file), group+"/") {
			devices = append(devices, "/dev/"+filepath.Base(filepath.Dir(filepath.Dir(path))))
		}
	}
	return devices
}

func losetup(ctx context.Context, arguments ...string) error {
	if output, err := exec.CommandContext(ctx, "losetup", arguments...).CombinedOutput(); err != nil {
		return fmt.Errorf("losetup %s: %w: %s", strings.Join(arguments, " "), err, output)
	}
	return nil
}
