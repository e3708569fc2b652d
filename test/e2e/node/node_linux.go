package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/toolchain"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

const (
	// Name is the node's.
	Name = "node"
	// address is the node's, of a bridge without ports: there need not be a network.
	address = "10.88.0.1"

	pluginFolder = "/usr/lib/cni"
	stopGrace    = 10 * time.Second
	startLimit   = time.Minute
)

// Node is a real node and the control plane that it belongs to.
type Node struct {
	Plane *cluster.Cluster

	folder    string
	group     string
	archive   string
	out       io.Writer
	processes []*process.Process
}

// Start starts the control plane and the node, with the images of an archive, and returns when the node is ready. It must be
// called in the namespaces that Inside makes.
func Start(ctx context.Context, archive string, out io.Writer) (*Node, error) {
	n := &Node{folder: Folder(), group: os.Getenv(groupVariable), archive: archive, out: out}
	if n.group == "" {
		return nil, errors.New("failed to start the node: not in namespaces of its own")
	}
	steps := []func(context.Context) error{n.mount, n.network, n.startContainerd, n.startPlane, n.startKubelet, n.awaitReady}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("failed to start the node: %w", err), n.Stop())
		}
	}
	return n, nil
}

// mount gives the namespaces their own view of processes and of /run, and lets containers see later mounts of the node.
func (n *Node) mount(context.Context) error {
	for _, m := range []struct {
		kind, target string
		flags        uintptr
	}{
		{"", "/", syscall.MS_REC | syscall.MS_PRIVATE},
		{"", "/", syscall.MS_REC | syscall.MS_SHARED},
		{"proc", "/proc", 0},
		{"tmpfs", "/run", 0},
	} {
		if err := syscall.Mount(m.kind, m.target, m.kind, m.flags, ""); err != nil {
			return fmt.Errorf("failed to mount %s: %w", m.target, err)
		}
	}
	for _, folder := range []string{"logs", "pods", "net.d", "volumes"} {
		if err := os.MkdirAll(n.path(folder), 0o755); err != nil {
			return err
		}
	}
	return makeGroups(n.group)
}

func (n *Node) network(ctx context.Context) error {
	for _, line := range []string{
		"ip link set lo up", "ip link add node0 type bridge", "ip address add " + address + "/24 dev node0", "ip link set node0 up",
	} {
		words := strings.Fields(line)
		if output, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, output)
		}
	}
	return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0)
}

func (n *Node) startPlane(ctx context.Context) (err error) {
	authority, err := cluster.NewAuthority("kubelet clients")
	if err != nil {
		return err
	}
	client, err := authority.ClientCertificate("kube-apiserver", "system:masters")
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"kubelet-clients.crt": authority.PEM(), "client.crt": client.Cert, "client.key": client.Key} {
		if err := os.WriteFile(n.path(name), content, 0o600); err != nil {
			return err
		}
	}
	n.Plane, err = cluster.Start(ctx, cluster.Options{
		Full: true, OwnNode: true, LogFolder: n.path("logs"), Progress: n.out,
		APIServerFlags: []string{
			"--kubelet-client-certificate=" + n.path("client.crt"), "--kubelet-client-key=" + n.path("client.key"),
			"--kubelet-preferred-address-types=InternalIP",
		},
	})
	return err
}

// Tools are the executables that Start needs, compiled if they are not yet.
func Tools(ctx context.Context, out io.Writer) error {
	_, err := toolchain.Find(ctx, out, "etcd", "kubelet")
	return err
}

func (n *Node) awaitReady(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, started := range n.processes {
		go func() {
			<-started.Done()
			cancel(errors.New("containerd or the kubelet died"))
		}()
	}
	return n.Plane.Eventually(ctx, "the node to be ready", func(ctx context.Context) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		node, err := n.Plane.Client().CoreV1().Nodes().Get(ctx, Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range node.Status.Conditions {
			if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue && len(node.Spec.Taints) == 0 {
				return nil
			}
		}
		return fmt.Errorf("not ready: conditions %v, taints %v", node.Status.Conditions, node.Spec.Taints)
	})
}

// launch starts one of the node's processes, with a log of its own.
func (n *Node) launch(command string, arguments ...string) error {
	log, err := os.Create(n.log(filepath.Base(command)))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := process.Command(command, arguments...)
	cmd.Stdout, cmd.Stderr, cmd.Dir = log, log, n.folder
	started, err := process.Start(cmd)
	if err != nil {
		return fmt.Errorf("failed to start %s: %w", command, err)
	}
	n.processes = append(n.processes, started)
	return nil
}

// Volume makes a folder of the node, owned by root as a fresh volume is, and returns its path.
func (n *Node) Volume(name string) (string, error) {
	path := filepath.Join(n.path("volumes"), name)
	return path, os.MkdirAll(path, 0o755)
}

// Logs is the folder of the logs of all processes, each named after its process.
func (n *Node) Logs() string { return n.path("logs") }

func (n *Node) path(name string) string { return filepath.Join(n.folder, name) }

func (n *Node) log(name string) string { return filepath.Join(n.Logs(), name+".log") }

// Stop ends the kubelet, containerd and the control plane. Containers end with the namespaces.
func (n *Node) Stop() error {
	for _, started := range slices.Backward(n.processes) {
		started.Stop(stopGrace)
	}
	if n.Plane == nil {
		return nil
	}
	return n.Plane.Stop()
}
