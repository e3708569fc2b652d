package process

import (
	"os"
	"os/exec"
	"syscall"
)

// diesWithParent tells that the operating system kills the child of a parent that was killed.
const diesWithParent = true

// bind gives the child a process group of its own, so that a Ctrl-C reaches it through Stop, in order, and its own
// children can be stopped with it.
func bind(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func terminate(p *os.Process) { signalGroup(p, syscall.SIGTERM) }

func kill(p *os.Process) { signalGroup(p, syscall.SIGKILL) }

// signalGroup ignores the error: the group being gone already is what the caller wants.
func signalGroup(p *os.Process, signal syscall.Signal) { _ = syscall.Kill(-p.Pid, signal) }
