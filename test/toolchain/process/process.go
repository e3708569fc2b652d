// Package process starts child processes that do not outlive their parent: the Go compiler of the tool chain, and the components of the
// control plane under test.
package process

import (
	"context"
	"os/exec"
	"runtime"
	"time"
)

// Process is a started child process.
type Process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// Command returns a command for Start or Run.
func Command(name string, arguments ...string) *exec.Cmd {
	return exec.Command(name, arguments...) //nolint:noctx // Stop ends the command with its own children, in order; a context would kill it alone.
}

// Start starts the command to die when this process does, even if this one is killed (on Linux; elsewhere it only dies on Stop, or by the
// terminal's Ctrl-C).
func Start(cmd *exec.Cmd) (*Process, error) {
	bind(cmd)
	p := &Process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go p.supervise(started)
	return p, <-started
}

// supervise starts the child and waits for it on one OS thread. Linux sends the parent-death signal when the thread that started the child
// ends, not when the process does, and Go ends threads as it likes unless a goroutine is locked to one.
func (p *Process) supervise(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	close(p.done)
}

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says how the child ended. Call it after Done is closed.
func (p *Process) Err() error { return p.err }

// ID is the process id of the child.
func (p *Process) ID() int { return p.cmd.Process.Pid }

// Stop asks the child and its own children to end, as Kubernetes does, kills what is left after the grace period, and returns when the
// child is gone.
func (p *Process) Stop(grace time.Duration) {
	select {
	case <-p.done:
		// Its process id may belong to another process by now.
		return
	default:
	}
	terminate(p.cmd.Process)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
	kill(p.cmd.Process)
	<-p.done
}

// Run runs the command to its end. When the context is done, it stops the command and everything that it started.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p, err := Start(cmd)
	if err != nil {
		return err
	}
	select {
	case <-p.Done():
		return p.Err()
	case <-ctx.Done():
		p.Stop(2 * time.Second)
		return ctx.Err()
	}
}
