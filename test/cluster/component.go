package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// The components and what goes with them, by the tool chain's names.
const (
	etcd              = "etcd"
	apiServer         = "kube-apiserver"
	controllerManager = "kube-controller-manager"
	scheduler         = "kube-scheduler"
	kwok              = "kwok"
	kwokStages        = "kwok-stages"
	kubectl           = "kubectl"
)

const (
	readyTimeout  = 5 * time.Minute
	probeInterval = 50 * time.Millisecond
	probeTimeout  = 30 * time.Second
	tailLines     = 15
	portAttempts  = 5
)

// component is one process of the plane.
type component struct {
	name      string
	arguments []string
	log       string
	start     int64 // in the log, which may contain output of an earlier process of that name
	process   *process.Process
	// retired is set before the plane itself ends the component, to start it again.
	retired atomic.Bool
}

// errPortTaken is a component's early death because another process took its port first.
var errPortTaken = errors.New("the port is taken")

// launch starts a component, without waiting for it.
func (c *Cluster) launch(name string, arguments ...string) (*component, error) {
	log := filepath.Join(c.logs, name+".log")
	file, start, err := openLog(log)
	if err != nil {
		return nil, fmt.Errorf("no log file for %s: %w", name, err)
	}
	defer file.Close()
	cmd := process.Command(c.commands[name], arguments...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = file, file, c.folder
	started, err := process.Start(cmd)
	if err != nil {
		return nil, fmt.Errorf("failed to start %s: %w", name, err)
	}
	one := &component{name: name, arguments: arguments, log: log, start: start, process: started}
	c.components = append(c.components, one)
	return one, nil
}

// openLog returns the log, opened to append to it, and its length so far.
func openLog(path string) (*os.File, int64, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	return file, info.Size(), nil
}

// watch reports the component's death at once to everyone who waits for anything of the plane.
func (c *Cluster) watch(started *component) {
	go func() {
		<-started.process.Done()
		if !started.retired.Load() {
			c.failure.report(started.death())
		}
	}()
}

// launchReady starts a component that listens on ports of its own choice, and returns when the probe succeeds. If another process takes a
// port before the component does, it tries other ports.
func (c *Cluster) launchReady(ctx context.Context, name string, arguments func(context.Context) ([]string, error), probe func(context.Context) error) error {
	c.report("starting %s", name)
	var err error
	for range portAttempts {
		var flags []string
		if flags, err = arguments(ctx); err != nil {
			return err
		}
		var started *component
		if started, err = c.launch(name, flags...); err != nil {
			return err
		}
		if err = c.await(ctx, started, probe); err == nil {
			c.watch(started)
			return nil
		}
		if !errors.Is(err, errPortTaken) {
			return err
		}
		c.report("%s found its port taken; trying another", name)
	}
	return fmt.Errorf("gave up after %d attempts: %w", portAttempts, err)
}

// await returns when the probe succeeds, a component has died, or time is up.
func (c *Cluster) await(ctx context.Context, started *component, probe func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		err := probe(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-started.process.Done():
			return started.death()
		case <-c.Done():
			return c.Err()
		case <-ctx.Done():
			return fmt.Errorf("%s did not become ready: %w: the last probe said: %w%s", started.name, ctx.Err(), err, started.tail())
		case <-time.After(probeInterval):
		}
	}
}

// death describes how a component ended.
func (s *component) death() error {
	tail := s.tail()
	if strings.Contains(tail, "address already in use") {
		return fmt.Errorf("%s ended early: %w%s", s.name, errPortTaken, tail)
	}
	if err := s.process.Err(); err != nil {
		return fmt.Errorf("%s died: %w%s", s.name, err, tail)
	}
	return fmt.Errorf("%s ended by itself%s", s.name, tail)
}

// tail is the end of the component's log, for error messages.
func (s *component) tail() string {
	data, err := os.ReadFile(s.log)
	if err != nil {
		return fmt.Sprintf("; its log cannot be read: %v", err)
	}
	lines := strings.Split(strings.TrimRight(string(data[min(s.start, int64(len(data))):]), "\n"), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return fmt.Sprintf("; the end of its log:\n\t%s", strings.Join(lines, "\n\t"))
}
