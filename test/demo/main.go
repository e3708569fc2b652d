// Command demo shows the product's main job in a real control plane that it starts and stops: a Deployment asks for PCP, and its pod,
// created by the real controllers, is admitted through the webhook over TLS. Run it with make demo, which first shows the same offline, see
// preview.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/injector"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

// demo is one run.
type demo struct {
	out      io.Writer
	started  time.Time
	command  string
	examples string
	plane    *cluster.Cluster
	webhook  *injector.Injector
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	d := &demo{out: out, started: time.Now()}
	flags.StringVar(&d.command, "command", filepath.Join("bin", "pcp-injector"), "the pcp-injector executable to run")
	flags.StringVar(&d.examples, "examples", "examples", "the folder with injector.yaml, node-monitor.yaml and claims.yaml")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := errors.Join(d.run(ctx), d.stop()); err != nil {
		return err
	}
	fmt.Fprint(out, next)
	return nil
}

func (d *demo) run(ctx context.Context) error {
	for _, step := range []func(context.Context) error{d.startPlane, d.startWebhook, d.apply, d.show} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) say(format string, arguments ...any) {
	fmt.Fprintf(d.out, "==> [%3.0f s] %s\n", time.Since(d.started).Seconds(), fmt.Sprintf(format, arguments...))
}

func (d *demo) startPlane(ctx context.Context) (err error) {
	d.say("starting a real control plane: etcd, kube-apiserver, kube-controller-manager")
	d.plane, err = cluster.Start(ctx, cluster.Options{Controllers: true, Progress: d.out})
	return err
}

func (d *demo) startWebhook(ctx context.Context) error {
	d.say("starting %s with %s, called by the API server over TLS", d.command, filepath.Join(d.examples, "injector.yaml"))
	config, err := os.ReadFile(filepath.Join(d.examples, "injector.yaml"))
	if err != nil {
		return err
	}
	d.webhook, err = injector.Start(ctx, d.plane, injector.Options{Command: d.command, Name: "injector.pcp.io", Config: string(config)})
	return err
}

// apply does what a user does. kubectl describe would show the events of a refusal.
func (d *demo) apply(ctx context.Context) error {
	manifest, claims := filepath.Join(d.examples, "node-monitor.yaml"), filepath.Join(d.examples, "claims.yaml")
	d.say("kubectl apply -f %s -f %s", manifest, claims)
	cmd := exec.CommandContext(ctx, d.plane.Kubectl(), "apply", "-f", manifest, "-f", claims)
	cmd.Env = append(os.Environ(), d.plane.Environment()...)
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	err := cmd.Run()
	for line := range bytes.Lines(output.Bytes()) {
		fmt.Fprintf(d.out, "    %s", line)
	}
	if err != nil {
		return fmt.Errorf("kubectl apply failed: %w", err)
	}
	return nil
}

func (d *demo) show(ctx context.Context) error {
	pod, err := d.awaitPod(ctx)
	if err != nil {
		return err
	}
	d.say("Deployment node-monitor has its pod, %s, admitted through the webhook; there is no node here, so it stays %s", pod.Name, pod.Status.Phase)
	fmt.Fprintf(d.out, "\nThe pod, as the API server stored it; + marks what the webhook added:\n\n")
	return mark(d.out, pod)
}

// awaitPod returns the Deployment's pod.
func (d *demo) awaitPod(ctx context.Context) (*corev1.Pod, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		pods, err := d.plane.Client().CoreV1().Pods("monitoring").List(ctx, metav1.ListOptions{LabelSelector: mutate.LabelInjected + "=true"})
		if err == nil && len(pods.Items) > 0 {
			return &pods.Items[0], nil
		}
		select {
		case <-d.plane.Done():
			return nil, d.plane.Err()
		case <-ctx.Done():
			return nil, fmt.Errorf("the Deployment got no pod: %w; the webhook's log:\n%s", errors.Join(ctx.Err(), err), d.webhook.Log())
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (d *demo) stop() error {
	var err error
	if d.webhook != nil {
		err = d.webhook.Stop()
	}
	if d.plane != nil {
		err = errors.Join(err, d.plane.Stop())
		d.say("stopped, nothing is left running")
	}
	return err
}
