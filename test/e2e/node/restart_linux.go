package node

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// podGroup is the control group that the kubelet puts all containers in, in the node's own.
const podGroup = "kubepods"

// Restart kills containerd and the kubelet, as a crash does, starts them again, and returns when the node is ready and the kubelet
// knows its pods. Containers live on, as they do where systemd restarts these services. It and Reboot must not run at the same time.
func (n *Node) Restart(ctx context.Context) error {
	killed, err := n.kill(containerd, kubelet)
	if err == nil {
		err = n.revive(ctx, killed)
	}
	if err != nil {
		return fmt.Errorf("failed to restart the node's daemons: %w", err)
	}
	return nil
}

// Reboot kills all daemons and containers of the node, as a power cut does, takes away what does not survive one (control groups,
// mounts and what is in /run), starts the daemons again, and returns when the node is ready and no pod's status shows a container
// from before. Containers may still be starting then. The control plane goes on, as one on another machine does; network devices and
// firewall rules stay as well.
func (n *Node) Reboot(ctx context.Context) error {
	began := time.Now()
	killed, err := n.kill(containerd, kubelet, proxy, dns)
	if err == nil {
		err = errors.Join(n.killContainers(), n.forget())
	}
	if err == nil {
		err = n.revive(ctx, killed)
	}
	if err == nil {
		err = n.eventually(ctx, "the pods' new containers", func(ctx context.Context) error { return n.noneFrom(ctx, began) })
	}
	if err != nil {
		return fmt.Errorf("failed to reboot the node: %w", err)
	}
	return nil
}

// kill kills the daemons of these names, the last started first, and returns them in that order.
func (n *Node) kill(names ...string) (killed []*daemon, err error) {
	for _, one := range slices.Backward(n.daemons) {
		if !slices.Contains(names, one.String()) {
			continue
		}
		if err := one.kill(); err != nil {
			return killed, err
		}
		killed = append(killed, one)
	}
	return killed, nil
}

// revive starts killed daemons, the last killed first: the kubelet needs containerd.
func (n *Node) revive(ctx context.Context, killed []*daemon) error {
	for _, one := range slices.Backward(killed) {
		err := n.run(one)
		if err == nil && one.String() == containerd {
			err = one.answers(ctx)
		}
		if err == nil && one.String() == kubelet {
			err = n.awaitKubelet(ctx, one)
		}
		if err != nil {
			return err
		}
	}
	return n.awaitReady(ctx)
}

// killContainers kills all containers and their shims, and returns when they are gone.
func (n *Node) killContainers() error {
	deadline := time.Now().Add(releaseLimit)
	for {
		left, err := n.containerProcesses()
		if err != nil || len(left) == 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("containers' processes outlive their death: %v", left)
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
		for _, pid := range left {
			// The tests are the first process here, whose children orphans become: nobody else takes note of their deaths.
			_, _ = syscall.Wait4(pid, nil, syscall.WNOHANG, nil)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// containerProcesses are those in the kubelet's control groups, and the shims, which are not.
func (n *Node) containerProcesses() ([]int, error) {
	folders, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, err
	}
	var found []int
	for _, folder := range folders {
		groups, _ := os.ReadFile(filepath.Join(folder, "cgroup"))
		name, _ := os.ReadFile(filepath.Join(folder, "comm"))
		if !strings.Contains(string(groups), filepath.Join(n.group, podGroup)) && !strings.HasPrefix(string(name), "containerd-shim") {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil {
			return nil, err
		}
		found = append(found, pid)
	}
	return found, nil
}

// forget removes the containers' control groups, for each of which a kubelet that starts would wait three seconds in vain, unmounts
// what the kubelet has mounted, and gives the node a new, empty /run.
func (n *Node) forget() error {
	if err := removeGroups(filepath.Join(n.group, podGroup)); err != nil {
		return err
	}
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	for _, line := range slices.Backward(strings.Split(string(mounts), "\n")) {
		// https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html: the fifth field is where it is mounted.
		fields := strings.Fields(line)
		if len(fields) < 5 || fields[4] != "/run" && !strings.HasPrefix(fields[4], n.folder+"/") {
			continue
		}
		if err := syscall.Unmount(fields[4], syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("failed to unmount %s: %w", fields[4], err)
		}
	}
	return mountAt("/run", "tmpfs", 0)
}
