// Package cluster starts and stops a real Kubernetes control plane on this machine, for tests, the demo and benchmarks. It needs no root,
// no container and no network: the components are executables that the tool chain downloads, or compiles from Go modules.
package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/performancecopilot/pcp-injector/test/loopback"
	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

// Options choose what to start. The zero value is the API server alone.
type Options struct {
	// Full adds the controller manager, the scheduler and one node whose kubelet is simulated by kwok, so a Deployment gets its Pod,
	// created by the real controllers, and the Pod becomes Ready. Otherwise, the plane is etcd and the API server: objects are admitted and
	// stored, and nothing else happens to them.
	Full bool
	// Controllers adds the controller manager alone, which Full includes: a Deployment gets its Pod, which stays Pending.
	Controllers bool
	// NodeAddress leaves the node of a full plane to the caller, who runs a real kubelet at this IP address of the machine, see
	// WriteKubeconfig. The API server then listens on all addresses, and the Service kubernetes leads to it at this one. If it is empty,
	// the node is simulated, and the API server listens on the loopback interface only.
	NodeAddress string
	// LogFolder keeps the components' logs, appended to what it already contains. If it is empty, Stop removes them with all else.
	LogFolder string
	// Progress reports what is being started. If it is nil, only downloads and compilations of tools are reported, on standard error.
	Progress io.Writer
	// APIServerFlags are added to those of kube-apiserver, and take precedence.
	APIServerFlags []string

	// pickPort lets a test return a port that is taken.
	pickPort func(context.Context) (int, error)
}

// Cluster is a running control plane. Its processes die with this one, even if this one is killed (on Linux).
type Cluster struct {
	options  Options
	commands map[string]string
	stages   string
	folder   string
	logs     string

	authority *Authority
	admin     Certificate
	config    *rest.Config
	client    kubernetes.Interface
	endpoints endpoints

	components []*component // in the order of their start
	failure    failure
	stopOnce   sync.Once
	stopErr    error
}

// stopGrace is how long a component may take to end by itself. It can be killed then, because there is nothing worth saving.
const stopGrace = 10 * time.Second

// Start downloads or compiles what is missing, starts the control plane and returns when it is ready. The context limits only the start;
// the plane runs until Stop. If Start fails, nothing of the plane is left.
func Start(ctx context.Context, options Options) (*Cluster, error) {
	c := &Cluster{options: options, failure: failure{done: make(chan struct{})}}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("failed to start the control plane: %w", err), c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context) error {
	if c.options.pickPort == nil {
		c.options.pickPort = loopback.Port
	}
	if err := c.findTools(ctx); err != nil {
		return err
	}
	if err := c.makeFolder(); err != nil {
		return err
	}
	began := time.Now()
	steps := []func(context.Context) error{c.writeCredentials, c.startEtcd, c.startAPIServer, c.connect}
	if c.options.Full || c.options.Controllers {
		steps = append(steps, c.startControllerManager)
	}
	if c.options.Full {
		steps = append(steps, c.startScheduler)
	}
	if c.simulatesNode() {
		steps = append(steps, c.startKwok, c.addNode, c.waitForControllers)
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	c.report("control plane ready after %s", time.Since(began).Round(time.Millisecond))
	return nil
}

func (c *Cluster) simulatesNode() bool { return c.options.Full && c.options.NodeAddress == "" }

func (c *Cluster) findTools(ctx context.Context) (err error) {
	commands := []string{etcd, apiServer, kubectl}
	if c.options.Full || c.options.Controllers {
		commands = append(commands, controllerManager)
	}
	if c.options.Full {
		commands = append(commands, scheduler)
	}
	if c.simulatesNode() {
		commands = append(commands, kwok)
		if c.stages, err = toolchain.Files(ctx, c.options.Progress, kwokStages); err != nil {
			return err
		}
	}
	c.commands, err = toolchain.Find(ctx, c.options.Progress, commands...)
	return err
}

func (c *Cluster) makeFolder() error {
	folder, err := os.MkdirTemp("", "pcp-cluster-")
	if err != nil {
		return fmt.Errorf("no folder for the control plane: %w: set TMPDIR to a folder you may write to", err)
	}
	c.folder, c.logs = folder, filepath.Join(folder, "logs")
	if c.options.LogFolder != "" {
		c.logs = c.options.LogFolder
	}
	if err := os.MkdirAll(c.logs, 0o755); err != nil {
		return fmt.Errorf("no folder for the control plane's logs: %w", err)
	}
	return nil
}

func (c *Cluster) report(format string, arguments ...any) {
	if c.options.Progress != nil {
		fmt.Fprintf(c.options.Progress, format+"\n", arguments...)
	}
}

// Stop ends the components, the last started first, and removes the plane's files. It may be called more than once.
func (c *Cluster) Stop() error {
	c.stopOnce.Do(func() {
		c.failure.expected()
		for _, component := range slices.Backward(c.components) {
			component.process.Stop(c.grace())
		}
		if c.folder != "" {
			c.stopErr = os.RemoveAll(c.folder)
		}
	})
	return c.stopErr
}

// grace is short after a component has died, because the others cannot end in order without it.
func (c *Cluster) grace() time.Duration {
	if c.Err() != nil {
		return time.Second
	}
	return stopGrace
}

// Done is closed when a component has died by itself. Err then says which and why.
func (c *Cluster) Done() <-chan struct{} { return c.failure.done }

// Err is nil while all components run.
func (c *Cluster) Err() error { return c.failure.get() }

// failure is the first unwanted death of a component.
type failure struct {
	mutex    sync.Mutex
	done     chan struct{}
	err      error
	stopping bool
}

func (f *failure) expected() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.stopping = true
}

func (f *failure) report(err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.stopping || f.err != nil {
		return
	}
	f.err = err
	close(f.done)
}

func (f *failure) get() error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return f.err
}
