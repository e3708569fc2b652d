package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

// kubeletConfig: the machine has control groups of version 1, and its disk is not the node's alone, so the kubelet must
// neither evict pods nor remove images for its sake.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication:
  anonymous: {enabled: false}
  webhook: {enabled: false}
  x509: {clientCAFile: FOLDER/kubelet-clients.crt}
authorization: {mode: AlwaysAllow}
cgroupDriver: cgroupfs
cgroupRoot: GROUP
clusterDNS: [ADDRESS]
clusterDomain: cluster.local
containerRuntimeEndpoint: unix://SOCKET
evictionHard: {memory.available: 50Mi, nodefs.available: 0%, nodefs.inodesFree: 0%, imagefs.available: 0%, imagefs.inodesFree: 0%}
failCgroupV1: false
failSwapOn: false
imageGCHighThresholdPercent: 100
localStorageCapacityIsolation: false
makeIPTablesUtilChains: false
podLogsDir: FOLDER/pods
volumePluginDir: FOLDER/plugins
`

func (n *Node) startKubelet(ctx context.Context) error {
	commands, err := toolchain.Find(ctx, n.out, kubelet)
	if err != nil {
		return err
	}
	if err := n.Plane.WriteKubeconfig(n.path("kubelet.kubeconfig"), "system:node:"+Name, "system:nodes"); err != nil {
		return err
	}
	if err := os.WriteFile(n.path("kubelet.yaml"), n.expand(kubeletConfig), 0o600); err != nil {
		return err
	}
	if err := n.launch(commands[kubelet], "--config", n.path("kubelet.yaml"), "--kubeconfig", n.path("kubelet.kubeconfig"),
		"--root-dir", n.path("kubelet"), "--cert-dir", n.path("certificates"), "--hostname-override", Name, "--node-ip", address); err != nil {
		return err
	}
	return n.awaitKubelet(ctx, n.daemons[len(n.daemons)-1])
}

// awaitKubelet returns when the kubelet says that it is healthy. One that dies until then is started again, as systemd does: it gives up
// on a containerd that answers, but is not yet through with its own start.
func (n *Node) awaitKubelet(ctx context.Context, one *daemon) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		if err := healthy(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not become healthy: see its log", one)
		case <-one.process.Done():
			if err := n.run(one); err != nil {
				return err
			}
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// healthy asks the kubelet at its default address for that.
func healthy(ctx context.Context) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://127.0.0.1:10248/healthz", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.New(response.Status)
	}
	return nil
}
