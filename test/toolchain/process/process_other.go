//go:build !linux

package process

import (
	"os"
	"os/exec"
)

// diesWithParent tells that the operating system kills the child of a parent that was killed.
const diesWithParent = false

// bind leaves the child in the process group of its parent: without a parent-death signal, the terminal's Ctrl-C is
// what still reaches a child whose parent was killed.
func bind(*exec.Cmd) {}

func terminate(p *os.Process) {
	// Windows knows no interrupt for other processes.
	if err := p.Signal(os.Interrupt); err != nil {
		kill(p)
	}
}

// kill ignores the error: the process being gone already is what the caller wants.
func kill(p *os.Process) { _ = p.Kill() }
