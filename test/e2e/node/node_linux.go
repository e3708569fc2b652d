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

	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

const (
	// Name is the node's.
	Name = "node"
	// address is the node's, of a bridge without ports: there need not be a network.
	address = "10.88.0.1"
	// podRange is where pods' addresses come from.
	podRange = "10.244.0.0/24"

	pluginFolder = "/usr/lib/cni"
	stopGrace    = 10 * time.Second
	// startLimit is for what starts on a slow machine. What dies meanwhile is reported at once.
	startLimit = 5 * time.Minute
)

// Node is a real node and the control plane that it belongs to.
type Node struct {
	Plane *cluster.Cluster

	folder   string
	group    string
	archives []string
	out      io.Writer
	daemons  []*daemon // in the order of their start
	before   settings  // of this machine, before the first pod
	logged   string    // the last line of a program in the kernel's log
}

// Start starts the control plane and the node, with the images of archives in the format of docker save, and returns when the node
// is ready. It must be called in the namespaces that Inside makes.
func Start(ctx context.Context, archives []string, out io.Writer) (*Node, error) {
	n := &Node{folder: Folder(), group: os.Getenv(groupVariable), archives: archives, out: out}
	if n.group == "" {
		return nil, errors.New("failed to start the node: not in namespaces of its own")
	}
	steps := []func(context.Context) error{n.mount, n.mountFormats, n.look, n.network, n.startContainerd, n.importImages, n.startPlane, n.startKubelet, n.startProxy, n.startDNS, n.awaitReady}
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
		if err := mountAt(m.target, m.kind, m.flags); err != nil {
			return err
		}
	}
	for _, folder := range []string{"logs", "pods", "net.d", "volumes"} {
		if err := os.MkdirAll(n.path(folder), 0o755); err != nil {
			return err
		}
	}
	for _, folder := range []string{"/var/lib", "/var/log"} {
		if err := n.cover(folder); err != nil {
			return err
		}
	}
	return makeGroups(n.group)
}

// cover keeps what the node's programs write to a folder, whatever their settings, from this machine.
func (n *Node) cover(folder string) error {
	own := n.path("cover" + folder)
	upper, work := filepath.Join(own, "upper"), filepath.Join(own, "work")
	if err := errors.Join(os.MkdirAll(upper, 0o755), os.MkdirAll(work, 0o755)); err != nil {
		return err
	}
	options := fmt.Sprintf("lowerdir=%s,upperdir=%s,workdir=%s", folder, upper, work)
	if err := syscall.Mount("overlay", folder, "overlay", 0, options); err != nil {
		return fmt.Errorf("failed to mount over %s: %w", folder, err)
	}
	return nil
}

func mountAt(target, kind string, flags uintptr) error {
	if err := syscall.Mount(kind, target, kind, flags, ""); err != nil {
		return fmt.Errorf("failed to mount %s: %w", target, err)
	}
	return nil
}

func (n *Node) network(ctx context.Context) error {
	for _, line := range []string{
		"ip link set lo up", "ip link add node0 type bridge", "ip address add " + address + "/24 dev node0", "ip link set node0 up",
		// The node's own connections need a route to Services before kube-proxy's rules lead them elsewhere.
		"ip route add " + cluster.ServiceRange + " dev node0",
	} {
		words := strings.Fields(line)
		if output, err := exec.CommandContext(ctx, words[0], words[1:]...).CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %s", line, err, output)
		}
	}
	// Pods of one bridge answer each other directly: kube-proxy's rules must see that too.
	for _, setting := range []string{"/proc/sys/net/ipv4/ip_forward", bridgeSetting} {
		if err := os.WriteFile(setting, []byte("1"), 0); err != nil {
			return err
		}
	}
	return nil
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
		Full: true, NodeAddress: address, LogFolder: n.path("logs"), Progress: n.out,
		APIServerFlags: []string{
			"--kubelet-client-certificate=" + n.path("client.crt"), "--kubelet-client-key=" + n.path("client.key"),
			"--kubelet-preferred-address-types=InternalIP",
		},
	})
	return err
}

// Tools are the executables that Start needs, downloaded or compiled if they are not there yet.
func Tools(ctx context.Context, out io.Writer) error {
	_, err := toolchain.Find(ctx, out, "etcd", kubelet, proxy, dns)
	return err
}

// smallVolume is the size of a volume below which a test is about what happens when it is full.
const smallVolume = 1 << 30

// Volume makes a folder of the node, owned by root as a fresh volume is, and returns its path. One of less than smallVolume bytes is a file
// system of that size.
func (n *Node) Volume(name string, size int64) (string, error) {
	path := filepath.Join(n.path("volumes"), name)
	switch err := os.Mkdir(path, 0o755); {
	case errors.Is(err, os.ErrExist):
		return path, nil
	case err != nil || size >= smallVolume:
		return path, err
	}
	if err := syscall.Mount("tmpfs", path, "tmpfs", 0, fmt.Sprintf("mode=0755,size=%d", size)); err != nil {
		return "", fmt.Errorf("no small volume: %w", err)
	}
	return path, nil
}

// Logs is the folder of the logs of all processes, each named after its process.
func (n *Node) Logs() string { return n.path("logs") }

func (n *Node) path(name string) string { return filepath.Join(n.folder, name) }

func (n *Node) log(name string) string { return filepath.Join(n.Logs(), name+".log") }

// Stop ends the node's daemons and the control plane. Containers end with the namespaces.
func (n *Node) Stop() error {
	for _, one := range slices.Backward(n.daemons) {
		one.process.Stop(stopGrace)
	}
	if n.Plane == nil {
		return nil
	}
	return n.Plane.Stop()
}
