//go:build linux

// Package supervisor runs services in a container of which it is the first process: it starts them in order, starts again what ends, and ends
// them in the opposite order. What they leave behind, it reaps.
package supervisor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"sync"
	"syscall"
)

// Processes are the children of this process. Nothing else may wait for children beside it (package os/exec), because it reaps all.
type Processes struct {
	mutex   sync.Mutex
	waiting map[int]chan syscall.WaitStatus
}

// NewProcesses reaps until ctx is done.
func NewProcesses(ctx context.Context) *Processes {
	p := &Processes{waiting: map[int]chan syscall.WaitStatus{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		defer signal.Stop(ended)
		for {
			select {
			case <-ctx.Done():
				return
			case <-ended:
				p.reap()
			}
		}
	}()
	return p
}

// reap takes every child that has ended: one signal may stand for many.
func (p *Processes) reap() {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil || pid <= 0:
			return
		}
		if waiting, ours := p.waiting[pid]; ours {
			delete(p.waiting, pid)
			waiting <- status
		}
	}
}

// Process is a child that was started here.
type Process struct {
	PID int
	// Ended receives how it ended, once.
	Ended <-chan syscall.WaitStatus

	of *Processes
}

// Program is what a process runs.
type Program struct {
	// Path is looked up on the PATH of this process if it has no slash.
	Path string
	Args []string
	// Env is all of the environment: nothing of this process's gets there.
	Env []string
	Dir string
}

// Start starts a program in a process group of its own. The files become its standard input, output and error.
func (p *Processes) Start(program Program, files ...*os.File) (*Process, error) {
	path, err := exec.LookPath(program.Path)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the program
	}
	descriptors := make([]uintptr, len(files))
	for n, file := range files {
		descriptors[n] = file.Fd()
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	attributes := &syscall.ProcAttr{Dir: program.Dir, Env: program.Env, Files: descriptors, Sys: &syscall.SysProcAttr{Setpgid: true}}
	pid, err := syscall.ForkExec(path, append([]string{path}, program.Args...), attributes) //nolint:gosec // the programs are PCP's
	if err != nil {
		return nil, &os.PathError{Op: "start", Path: path, Err: err}
	}
	ended := make(chan syscall.WaitStatus, 1)
	p.waiting[pid] = ended
	return &Process{PID: pid, Ended: ended, of: p}, nil
}

// Signal sends a signal to the process, or, with group, also to what it has started. Nothing happens if it has ended.
func (p *Process) Signal(signal syscall.Signal, group bool) {
	p.of.mutex.Lock()
	defer p.of.mutex.Unlock()
	if _, running := p.of.waiting[p.PID]; !running {
		return // The number may be another process's by now.
	}
	pid := p.PID
	if group {
		pid = -pid
	}
	_ = syscall.Kill(pid, signal) // It may be ending.
}

// maxOutput of a program that Run runs.
const maxOutput = 4 << 20

// Run runs a program to its end, and returns what it prints. The last line that it prints to its standard error is why it fails.
func (p *Processes) Run(ctx context.Context, program Program, stdin string) (string, error) {
	in, err := input(stdin)
	if err != nil {
		return "", err
	}
	defer in.Close()
	out, err := newPipe()
	if err != nil {
		return "", err
	}
	defer out.read.Close()
	complaints, err := newPipe()
	if err != nil {
		return "", errors.Join(err, out.write.Close())
	}
	defer complaints.read.Close()
	process, err := p.Start(program, in, out.write, complaints.write)
	if err := errors.Join(err, out.write.Close(), complaints.write.Close()); err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { process.Signal(syscall.SIGKILL, true) })
	defer stop()
	said := make(chan string, 1)
	go func() { said <- readAll(complaints.read) }()
	output := readAll(out.read)
	complaint := <-said
	if status := <-process.Ended; status != 0 {
		return output, fmt.Errorf("%s: %s: %s", program.Path, describe(status), lastLine(complaint))
	}
	return output, ctx.Err()
}

// input is a file that has a text and no name.
func input(text string) (*os.File, error) {
	if text == "" {
		return os.Open(os.DevNull)
	}
	pipe, err := newPipe()
	if err != nil {
		return nil, err
	}
	// A pipe holds 64 KiB, and no question is as long.
	_, err = pipe.write.WriteString(text)
	return pipe.read, errors.Join(err, pipe.write.Close())
}

type pipe struct{ read, write *os.File }

func newPipe() (pipe, error) {
	read, write, err := os.Pipe()
	return pipe{read, write}, err
}

func readAll(from io.Reader) string {
	var text strings.Builder
	_, _ = io.Copy(&text, io.LimitReader(from, maxOutput)) // What could be read is what there is.
	_, _ = io.Copy(io.Discard, from)
	return text.String()
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndex(text, "\n")+1:]
}

// describe says how a process ended.
func describe(status syscall.WaitStatus) string {
	if status.Signaled() {
		return "ended by " + status.Signal().String()
	}
	return fmt.Sprintf("exit code %d", status.ExitStatus())
}
