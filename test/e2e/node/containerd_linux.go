package node

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// containerdConfig: this machine may lack CAP_SYS_RESOURCE and AppArmor.
const containerdConfig = `version = 2
root = "FOLDER/containerd"
state = "/run/containerd"
[grpc]
  address = "SOCKET"
[plugins."io.containerd.internal.v1.opt"]
  path = "FOLDER/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "PAUSE"
  restrict_oom_score_adj = true
  disable_apparmor = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "PLUGINS"
    conf_dir = "FOLDER/net.d"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`

const networkConfig = `{"cniVersion": "1.0.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "FOLDER/addresses", "ranges": [[{"subnet": "PODS"}]], "routes": [{"dst": "0.0.0.0/0"}]}}
]}
`

const socket = "/run/containerd/containerd.sock"

// expand fills the configurations' placeholders in.
func (n *Node) expand(text string) []byte {
	return []byte(strings.NewReplacer("FOLDER", n.folder, "SOCKET", socket, "PAUSE", pcpimage.Pause, "PLUGINS", pluginFolder, "GROUP", n.group,
		"PODS", podRange, "ADDRESS", address, "NODE", Name).Replace(text))
}

func (n *Node) startContainerd(ctx context.Context) error {
	for name, text := range map[string]string{"containerd.toml": containerdConfig, "net.d/pods.conflist": networkConfig} {
		if err := os.WriteFile(n.path(name), n.expand(text), 0o600); err != nil {
			return err
		}
	}
	if err := n.launch(containerd, "--config", n.path("containerd.toml")); err != nil {
		return err
	}
	return n.daemons[len(n.daemons)-1].answers(ctx)
}

// answers returns when the daemon, which is containerd, answers.
func (d *daemon) answers(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for {
		output, err := ctr(ctx, "version")
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w: %s", d, err, output)
		case <-d.process.Done():
			return fmt.Errorf("%s died: see its log", d)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (n *Node) importImages(ctx context.Context) error {
	for _, archive := range n.archives {
		if output, err := ctr(ctx, "images", "import", archive); err != nil {
			return fmt.Errorf("failed to import the images of %s: %w: %s", archive, err, output)
		}
	}
	return nil
}

func ctr(ctx context.Context, arguments ...string) ([]byte, error) {
	return exec.CommandContext(ctx, "ctr", append([]string{"--address", socket, "--namespace", "k8s.io"}, arguments...)...).CombinedOutput()
}
