package node

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// The node's daemons, by the names of their executables.
const (
	containerd = "containerd"
	kubelet    = "kubelet"
	proxy      = "kube-proxy"
	dns        = "coredns"
)

// daemon is one of the node's own processes.
type daemon struct {
	command   string
	arguments []string
	process   *process.Process
}

// String is the name of the daemon and of its log.
func (d *daemon) String() string { return filepath.Base(d.command) }

// launch starts a daemon, with a log of its own.
func (n *Node) launch(command string, arguments ...string) error {
	one := &daemon{command: command, arguments: arguments}
	if err := n.run(one); err != nil {
		return err
	}
	n.daemons = append(n.daemons, one)
	return nil
}

// run appends to the log, which covers all the daemon's lives.
func (n *Node) run(one *daemon) error {
	log, err := os.OpenFile(n.log(one.String()), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := process.Command(one.command, one.arguments...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, n.folder
	if one.process, err = process.Start(cmd); err != nil {
		return fmt.Errorf("failed to start %s: %w", one, err)
	}
	return nil
}

// kill ends a daemon as a crash does. What it has started, such as containers, goes on.
func (d *daemon) kill() error {
	select {
	case <-d.process.Done():
		return fmt.Errorf("%s runs no more: see its log", d)
	default:
	}
	if err := syscall.Kill(d.process.ID(), syscall.SIGKILL); err != nil {
		return fmt.Errorf("failed to kill %s: %w", d, err)
	}
	<-d.process.Done()
	return nil
}
