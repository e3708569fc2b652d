//go:build linux

package supervisor

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
)

// Service is a program that should always run.
type Service struct {
	Name string
	// Program is what to run, asked before each start: it may prepare something first.
	Program func(ctx context.Context) (Program, error)
	// Ready is asked until it has no error, before the next service starts; may be nil.
	Ready func(ctx context.Context) error
	// StopLimit is how long it may take to end when asked to.
	StopLimit time.Duration
}

// Supervisor runs services.
type Supervisor struct {
	Processes *Processes
	Log       *Log
	Logger    *slog.Logger

	mutex sync.Mutex
	runs  []*run
}

// run is a service that is run.
type run struct {
	Service
	restarts restarts
	// stopped is closed when it has ended for good.
	stopped chan struct{}
	stop    context.CancelFunc

	mutex   sync.Mutex
	process *Process
	started time.Time
	starts  int
}

// readyLimit is how long the next service waits for one that does not get ready: then it starts nevertheless, because it asks again.
const readyLimit = time.Minute

// lastWords is how long the output of a service that has ended is waited for.
const lastWords = time.Second

// readyPause is between two questions.
const readyPause = 50 * time.Millisecond

// Run starts the services in order, and keeps them running until ctx is done. Then it ends them in the opposite order.
func (s *Supervisor) Run(ctx context.Context, services []Service) {
	for _, service := range services {
		if ctx.Err() != nil {
			break
		}
		s.start(service) //nolint:contextcheck // it ends when its turn comes, not with the others
		if err := await(ctx, service.Ready); err != nil && ctx.Err() == nil {
			s.Logger.Warn("not ready, the next one starts nevertheless", "service", service.Name, "error", err)
		}
	}
	<-ctx.Done()
	for _, r := range slices.Backward(s.runs) {
		r.stop()
		<-r.stopped
		s.Logger.Info("stopped", "service", r.Name)
	}
}

// start returns when the service has been started once, or could not be.
func (s *Supervisor) start(service Service) {
	ctx, stop := context.WithCancel(context.Background())
	r := &run{Service: service, stopped: make(chan struct{}), stop: stop}
	s.mutex.Lock()
	s.runs = append(s.runs, r)
	s.mutex.Unlock()
	go s.keep(ctx, r)
}

// keep starts a service again and again.
func (s *Supervisor) keep(ctx context.Context, r *run) {
	defer close(r.stopped)
	for ctx.Err() == nil {
		began := time.Now()
		err := s.once(ctx, r)
		if ctx.Err() != nil {
			return
		}
		pause := r.restarts.next(time.Since(began), err != nil)
		if err != nil {
			s.Logger.Warn("ended, and is started again", "service", r.Name, "error", err, "pause", pause)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// once runs a service to its end, which is asked for when ctx is done.
func (s *Supervisor) once(ctx context.Context, r *run) error {
	program, err := r.Program(ctx)
	if err != nil {
		return err
	}
	process, copied, err := s.launch(r, program)
	if err != nil {
		return err
	}
	r.set(process)
	defer r.set(nil)
	select {
	case status := <-process.Ended:
		if status != 0 {
			err = errors.New(describe(status))
		}
	case <-ctx.Done():
		s.end(r, process)
	}
	killGroup(process.PID)
	select {
	case <-copied:
	case <-time.After(lastWords): // What has left its group may have its output for ever.
	}
	return err
}

// launch also returns a channel that is closed when all is written that the service has printed.
func (s *Supervisor) launch(r *run, program Program) (*Process, <-chan struct{}, error) {
	nothing, err := os.Open(os.DevNull)
	if err != nil {
		return nil, nil, err
	}
	defer nothing.Close()
	output, err := newPipe()
	if err != nil {
		return nil, nil, err
	}
	process, err := s.Processes.Start(program, nothing, output.write, output.write)
	if err := errors.Join(err, output.write.Close()); err != nil {
		return nil, nil, errors.Join(err, output.read.Close())
	}
	copied := make(chan struct{})
	go func() {
		defer close(copied)
		defer output.read.Close()
		s.Log.Copy(r.Name, output.read)
	}()
	s.Logger.Info("started", "service", r.Name, "pid", process.PID)
	return process, copied, nil
}

// end asks a service to end, and ends it if it does not.
func (s *Supervisor) end(r *run, process *Process) {
	process.Signal(syscall.SIGTERM, false)
	select {
	case <-process.Ended:
	case <-time.After(r.StopLimit):
		s.Logger.Warn("does not end, and is killed", "service", r.Name, "after", r.StopLimit)
		process.Signal(syscall.SIGKILL, true)
		<-process.Ended
	}
}

// killGroup ends what a service has started and left behind. The number is still its group's if one of these is there.
func killGroup(pid int) { _ = syscall.Kill(-pid, syscall.SIGKILL) }

func (r *run) set(process *Process) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.process = process
	if process != nil {
		r.started = time.Now()
		r.starts++
	}
}

// State says how the services are.
func (s *Supervisor) State() []state.Service {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	states := make([]state.Service, 0, len(s.runs))
	for _, r := range s.runs {
		states = append(states, r.state())
	}
	return states
}

func (r *run) state() state.Service {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	now := state.Service{Name: r.Name, Restarts: max(r.starts-1, 0)}
	if r.process != nil {
		now.Running, now.PID, now.Since = true, r.process.PID, r.started
	}
	return now
}

// End asks a service to end, so that it is started again.
func (s *Supervisor) End(name string) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, r := range s.runs {
		if r.Name == name && r.terminate() {
			return nil
		}
	}
	return fmt.Errorf("%s does not run", name)
}

// terminate reports whether there was something to end.
func (r *run) terminate() bool {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.process == nil {
		return false
	}
	r.process.Signal(syscall.SIGTERM, false)
	return true
}

// await asks until there is no error.
func await(ctx context.Context, ready func(context.Context) error) error {
	if ready == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(readyPause):
		}
	}
}
