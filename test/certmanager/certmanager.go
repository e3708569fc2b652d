// Package certmanager runs the real cert-manager beside a control plane under test: its controllers and its cainjector, in their own
// processes, compiled from its Go module.
package certmanager

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/toolchain"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// ClusterIssuer exists once Start has returned. It signs each certificate with the certificate's own key.
const ClusterIssuer = "self-signed"

const (
	command    = "certmanager"
	stopGrace  = 5 * time.Second
	logTail    = 2000
	readyLimit = "60s"
)

// The cert-manager namespace is where cluster issuers keep their secrets.
const prerequisites = `
{apiVersion: v1, kind: Namespace, metadata: {name: cert-manager}}
---
{apiVersion: cert-manager.io/v1, kind: ClusterIssuer, metadata: {name: ` + ClusterIssuer + `}, spec: {selfSigned: {}}}
`

// CertManager is a running cert-manager. Its processes die with this one, even if this one is killed (on Linux).
type CertManager struct {
	plane     *cluster.Cluster
	folder    string
	processes []*process.Process
}

// Start compiles what is missing, installs the resource definitions and returns when cert-manager works. cert-manager's own webhook does
// not run, so what it would refuse is not refused.
func Start(ctx context.Context, plane *cluster.Cluster) (*CertManager, error) {
	m := &CertManager{plane: plane}
	if err := m.start(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("failed to start cert-manager: %w%s", err, m.tails()), m.Stop())
	}
	return m, nil
}

func (m *CertManager) start(ctx context.Context) (err error) {
	commands, err := toolchain.Find(ctx, nil, command)
	if err != nil {
		return err
	}
	definitions, err := toolchain.Files(ctx, nil, command)
	if err != nil {
		return err
	}
	if m.folder, err = os.MkdirTemp("", "pcp-certmanager-"); err != nil {
		return err
	}
	// Server-side, because the definitions are too long for the annotation in which kubectl apply would keep them.
	if err := m.kubectl(ctx, "", "apply", "--server-side", "-f", definitions); err != nil {
		return err
	}
	if err := m.kubectl(ctx, "", "wait", "--for=condition=Established", "-f", definitions, "--timeout="+readyLimit); err != nil {
		return err
	}
	for _, role := range []string{"controller", "cainjector"} {
		if err := m.launch(commands[command], role); err != nil {
			return err
		}
	}
	return m.awaitReady(ctx)
}

func (m *CertManager) launch(command, role string) error {
	log, err := os.Create(m.log(role))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := process.Command(command, role, m.plane.Kubeconfig())
	cmd.Stdout, cmd.Stderr = log, log
	started, err := process.Start(cmd)
	if err != nil {
		return fmt.Errorf("failed to start the %s: %w", role, err)
	}
	m.processes = append(m.processes, started)
	return nil
}

// awaitReady returns when the controllers have made an issuer ready.
func (m *CertManager) awaitReady(ctx context.Context) error {
	if err := m.kubectl(ctx, prerequisites, "apply", "-f", "-"); err != nil {
		return err
	}
	if err := m.kubectl(ctx, "", "wait", "--for=condition=Ready", "clusterissuer/"+ClusterIssuer, "--timeout="+readyLimit); err != nil {
		return err
	}
	for _, started := range m.processes {
		select {
		case <-started.Done():
			return fmt.Errorf("a process ended early: %w", started.Err())
		default:
		}
	}
	return nil
}

// kubectl runs kubectl as the administrator.
func (m *CertManager) kubectl(ctx context.Context, input string, arguments ...string) error {
	cmd := process.Command(m.plane.Kubectl(), arguments...)
	cmd.Env = append(os.Environ(), m.plane.Environment()...)
	var output strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &output, &output
	if err := process.Run(ctx, cmd); err != nil {
		return fmt.Errorf("kubectl %s failed: %w\n%s", arguments[0], err, output.String())
	}
	return nil
}

// Stop ends the processes. The resource definitions stay.
func (m *CertManager) Stop() error {
	for _, started := range slices.Backward(m.processes) {
		started.Stop(stopGrace)
	}
	if m.folder == "" {
		return nil
	}
	return os.RemoveAll(m.folder)
}

func (m *CertManager) log(role string) string { return filepath.Join(m.folder, role+".log") }

// tails are the ends of the logs, for error messages.
func (m *CertManager) tails() string {
	var text strings.Builder
	for _, role := range []string{"controller", "cainjector"} {
		if log, err := os.ReadFile(m.log(role)); err == nil {
			fmt.Fprintf(&text, "; the end of the %s's log:\n%s", role, log[max(0, len(log)-logTail):])
		}
	}
	return text.String()
}
