package process

import (
	"os"
	"os/exec"
	"syscall"
)

// diesWithParent reports that the operating system kills the child of a parent that was killed.
const diesWithParent = true

// bind gives the child its own process group, so a Ctrl-C reaches it through Stop, in order, and its own children can be stopped with it.
func bind(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func terminate(p *os.Process) { signalGroup(p, syscall.SIGTERM) }

func kill(p *os.Process) { signalGroup(p, syscall.SIGKILL) }

// signalGroup ignores the error, because the caller wants the group to be gone.
func signalGroup(p *os.Process, signal syscall.Signal) { _ = syscall.Kill(-p.Pid, signal) }
