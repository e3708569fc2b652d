//go:build !linux

package process

import (
	"os"
	"os/exec"
)

// diesWithParent reports that the operating system kills the child of a parent that was killed.
const diesWithParent = false

// bind leaves the child in its parent's process group: without a parent-death signal, only the terminal's Ctrl-C still reaches a child
// whose parent was killed.
func bind(*exec.Cmd) {}

func terminate(p *os.Process) {
	// Windows knows no interrupt for other processes.
	if err := p.Signal(os.Interrupt); err != nil {
		kill(p)
	}
}

// kill ignores the error, because the caller wants the process to be gone.
func kill(p *os.Process) { _ = p.Kill() }
