// Package injector runs the real webhook in its own process beside a control plane under test: built from this tree, with a certificate
// that the API server verifies, and called for real.
package injector

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/loopback"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

const (
	modulePath = "github.com/performancecopilot/pcp-injector"
	stopGrace  = 20 * time.Second
	readyLimit = 2 * time.Minute
	pollPeriod = 20 * time.Millisecond
)

// Options of one injector. Several may serve one control plane.
type Options struct {
	// Command is the path of the pcp-injector executable; see Build.
	Command string
	// Name of the webhook, in DNS form. Up to the first dot, it is the name of its Service.
	Name string
	// Config is the text of the configuration.
	Config string
	// ProbeNamespace is where to try the webhook out. It must have opted in. Defaults to cluster.ProbeNamespace.
	ProbeNamespace string
	// Adjust may change the webhook's configuration before it is created.
	Adjust func(*admissionregistrationv1.MutatingWebhook)
	// Arguments come before the flags that Start chooses, which take precedence over them. Flags come after, and take precedence.
	Arguments, Flags []string
}

// Injector is a running webhook that the API server calls.
type Injector struct {
	webhook   cluster.Webhook
	authority *cluster.Authority
	process   *process.Process
	folder    string
	health    string
	metrics   string
}

// Build compiles pcp-injector from this tree into the folder, with further flags of go build, and returns its path.
func Build(ctx context.Context, folder string, flags ...string) (string, error) {
	return build(ctx, filepath.Join(folder, "pcp-injector"), "/cmd/webhook", flags...)
}

// BuildPlugin compiles kubectl-pcp from this tree into the folder, with further flags of go build, and returns its path.
func BuildPlugin(ctx context.Context, folder string, flags ...string) (string, error) {
	return build(ctx, filepath.Join(folder, "kubectl-pcp"), "/cmd/kubectl-pcp", flags...)
}

func build(ctx context.Context, path, name string, flags ...string) (string, error) {
	cmd := process.Command("go", append(append([]string{"build", "-trimpath", "-o", path}, flags...), modulePath+name)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := process.Run(ctx, cmd); err != nil {
		return "", fmt.Errorf("failed to build %s: %w\n%s", filepath.Base(path), err, output.String())
	}
	return path, nil
}

// Start starts the webhook and installs it in the control plane. When it returns, the API server calls it.
func Start(ctx context.Context, plane *cluster.Cluster, options Options) (*Injector, error) {
	service, _, _ := strings.Cut(options.Name, ".")
	i := &Injector{webhook: cluster.Webhook{
		Name: options.Name, Namespace: "pcp-system", Service: service, Path: "/mutate",
		ProbeNamespace: options.ProbeNamespace, Adjust: options.Adjust,
	}}
	err := i.prepare(options)
	if err == nil {
		err = i.launch(ctx, options)
	}
	if err == nil {
		err = plane.InstallWebhook(ctx, i.webhook)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("failed to start the webhook %s: %w%s", options.Name, err, i.tail()), i.Stop())
	}
	return i, nil
}

// prepare makes the authority, the certificate and the files.
func (i *Injector) prepare(options Options) (err error) {
	if i.folder, err = os.MkdirTemp("", "pcp-injector-"); err != nil {
		return err
	}
	if i.authority, err = cluster.NewAuthority(options.Name); err != nil {
		return err
	}
	i.webhook.CABundle = i.authority.PEM()
	if err := i.RotateCertificate(); err != nil {
		return err
	}
	return os.WriteFile(i.file("config.yaml"), []byte(options.Config), 0o600)
}

// RotateCertificate replaces the served certificate with a new one of the same authority, as a kubelet does when a Secret changes.
func (i *Injector) RotateCertificate() error {
	certificate, err := i.authority.ServingCertificate(i.webhook.ServerName())
	if err != nil {
		return err
	}
	return certificate.Write(i.file("certificate"))
}

func (i *Injector) launch(ctx context.Context, options Options) error {
	port, err := loopback.Port(ctx)
	if err == nil {
		i.health, err = loopback.Address(ctx)
	}
	if err == nil {
		i.metrics, err = loopback.Address(ctx)
	}
	if err != nil {
		return err
	}
	i.webhook.Port = int32(port) //nolint:gosec // A port fits.
	log, err := os.Create(i.file("log"))
	if err != nil {
		return err
	}
	defer log.Close()
	flags := append(slices.Clone(options.Arguments),
		"--config", i.file("config.yaml"), "--cert-dir", i.file("certificate"), "--listen", i.Address(),
		"--health-listen", i.health, "--metrics-listen", i.metrics, "--drain", "0")
	cmd := process.Command(options.Command, append(flags, options.Flags...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if i.process, err = process.Start(cmd); err != nil {
		return err
	}
	return i.awaitReady(ctx)
}

func (i *Injector) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyLimit)
	defer cancel()
	for {
		err := i.Probe(ctx, "/readyz")
		if err == nil {
			return nil
		}
		select {
		case <-i.process.Done():
			return fmt.Errorf("it ended early: %w", i.process.Err())
		case <-ctx.Done():
			return fmt.Errorf("it did not become ready: %w", err)
		case <-time.After(pollPeriod):
		}
	}
}

// Stop ends the process. The webhook's configuration stays, so the API server still tries to call it.
func (i *Injector) Stop() error {
	if i.process != nil {
		i.process.Stop(stopGrace)
	}
	return os.RemoveAll(i.folder)
}

// Kill ends the process and keeps its files.
func (i *Injector) Kill() { i.process.Stop(0) }

// Done is closed when the process has ended.
func (i *Injector) Done() <-chan struct{} { return i.process.Done() }

// Probe asks the process's health endpoint, /readyz or /healthz, as a kubelet does; nil means success.
func (i *Injector) Probe(ctx context.Context, path string) error {
	_, err := get(ctx, "http://"+i.health+path)
	return err
}

// Name of the webhook and of its MutatingWebhookConfiguration.
func (i *Injector) Name() string { return i.webhook.Name }

// ID is the process id.
func (i *Injector) ID() int { return i.process.ID() }

// Log is what the process has logged so far.
func (i *Injector) Log() string {
	text, err := os.ReadFile(i.file("log"))
	if err != nil {
		return err.Error()
	}
	return string(text)
}

func (i *Injector) tail() string {
	const length = 2000
	log := strings.TrimSpace(i.Log())
	return "; the end of its log:\n" + log[max(0, len(log)-length):]
}

func (i *Injector) file(name string) string { return filepath.Join(i.folder, name) }

var client = http.Client{Timeout: 5 * time.Second}
