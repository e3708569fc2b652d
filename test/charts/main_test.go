// Package charts_test installs the charts with real Helm into a real control plane that has the real cert-manager, and holds
// them to what they promise.
package charts_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/performancecopilot/pcp-injector/test/certmanager"
	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/injector"
	"github.com/performancecopilot/pcp-injector/test/toolchain"
	"github.com/performancecopilot/pcp-injector/test/volumes"
)

// What all tests share: the control plane, the way from it to the webhooks, the webhook built from this tree, and the tools.
var (
	plane    *cluster.Cluster
	services *network
	command  string
	tools    map[string]string
	// pluginCommand is kubectl pcp.
	pluginCommand string
)

// thisVersion is that of webhook and plugin, and olderVersion that of an older webhook.
const (
	thisVersion  = "v1.1.0-test"
	olderVersion = "v1.0.0-older"
)

func versioned(version string) []string { return []string{"-ldflags", "-X main.version=" + version} }

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "pcp-charts-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	if command, err = injector.Build(ctx, folder, versioned(thisVersion)...); err != nil {
		return 1, err
	}
	if pluginCommand, err = injector.BuildPlugin(ctx, folder, versioned(thisVersion)...); err != nil {
		return 1, err
	}
	if tools, err = toolchain.Find(ctx, nil, "helm", "helm3", "crane"); err != nil {
		return 1, err
	}
	if services, err = newNetwork(ctx); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, services.egress.Close()) }()
	if plane, err = cluster.Start(ctx, cluster.Options{Full: true, APIServerFlags: services.egress.Flags()}); err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, plane.Stop()) }()
	services.use(plane.Client())
	manager, err := certmanager.Start(ctx, plane)
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, manager.Stop()) }()
	if err := installMonitoring(ctx); err != nil {
		return 1, err
	}
	running, stop := context.WithCancel(ctx)
	defer stop()
	// Nothing runs in the pods of a simulated node: the folder need not exist.
	nowhere := func(*corev1.PersistentVolumeClaim) (string, error) { return "/var/lib/test", nil }
	go volumes.Provision(running, plane.Client(), nowhere, os.Stderr)
	if code = m.Run(); code == 0 {
		err = requireFollowed()
	}
	return code, err
}

// installMonitoring installs those kinds of the Prometheus Operator that the chart can make. The operator itself does not run.
func installMonitoring(ctx context.Context) error {
	definitions, err := toolchain.Files(ctx, nil, "prometheus-operator")
	if err != nil {
		return err
	}
	arguments := []string{"apply", "--server-side"}
	for _, kind := range []string{"podmonitors", "prometheusrules", "servicemonitors"} {
		arguments = append(arguments, "-f", filepath.Join(definitions, "monitoring.coreos.com_"+kind+".yaml"))
	}
	cmd := exec.CommandContext(ctx, plane.Kubectl(), arguments...)
	cmd.Env = append(os.Environ(), plane.Environment()...)
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("failed to install the kinds of the Prometheus Operator: %w\n%s", err, said)
	}
	return nil
}
