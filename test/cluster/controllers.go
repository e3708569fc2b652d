package cluster

import (
	"context"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodeName is the one node of a full plane.
const NodeName = "node"

// stageFiles make kwok's node Ready and, at once, its Pods: the "fast" set, in which a Pod's init containers are done
// without delay and those that restart always (native sidecars) stay running.
var stageFiles = []string{
	"node/fast/node-initialize.yaml", "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
	"pod/fast/pod-ready.yaml", "pod/fast/pod-complete.yaml", "pod/fast/pod-delete.yaml",
}

// startControllerManager starts what makes Pods from workloads. Controllers use their own service accounts, as in any real cluster, so the
// creator of a Pod is its controller.
func (c *Cluster) startControllerManager(context.Context) error {
	return c.startClient(controllerManager, "--use-service-account-credentials", "--leader-elect=false", "--secure-port=0",
		// By default, it would spend five seconds waiting for its own rate limit while it makes its service accounts.
		"--kube-api-qps=1000", "--kube-api-burst=1000",
		"--service-account-private-key-file="+c.credential(serviceAccountKey), "--root-ca-file="+c.credential("ca.crt"))
}

// startScheduler starts what binds Pods to nodes.
func (c *Cluster) startScheduler(context.Context) error {
	return c.startClient(scheduler, "--leader-elect=false", "--secure-port=0", "--kube-api-qps=1000", "--kube-api-burst=1000")
}

// startKwok starts what simulates the kubelet of the plane's node. It leaves other nodes to their creators.
func (c *Cluster) startKwok(context.Context) error {
	// Without a lease, the controller manager considers the node dead after 50 seconds, and its Pods not Ready.
	flags := []string{"--manage-single-node=" + NodeName, "--cidr=10.244.0.0/16", "--node-ip=10.0.0.1", "--node-lease-duration-seconds=40"}
	for _, stage := range stageFiles {
		flags = append(flags, "--config="+filepath.Join(c.stages, filepath.FromSlash(stage)))
	}
	return c.startClient(kwok, flags...)
}

// startClient starts a component that only talks to the API server.
func (c *Cluster) startClient(name string, flags ...string) error {
	kubeconfig, err := c.componentKubeconfig(name)
	if err != nil {
		return err
	}
	c.report("starting %s", name)
	started, err := c.launch(name, append(flags, "--kubeconfig="+kubeconfig)...)
	if err != nil {
		return err
	}
	c.watch(started)
	return nil
}

// componentKubeconfig gives a component the identity for which RBAC has default roles. kwok simulates kubelets; an administrator's identity
// saves it a role of its own.
func (c *Cluster) componentKubeconfig(name string) (string, error) {
	user, groups := "system:"+name, []string(nil)
	if name == kwok {
		user, groups = kwok, []string{administrators}
	}
	path := filepath.Join(c.folder, name+".kubeconfig")
	return path, c.WriteKubeconfig(path, user, groups...)
}

func (c *Cluster) addNode(ctx context.Context) error {
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{
		Name: NodeName, Labels: map[string]string{corev1.LabelHostname: NodeName, corev1.LabelOSStable: "linux"},
	}}
	if _, err := c.client.CoreV1().Nodes().Create(ctx, node, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("failed to add a node: %w", err)
	}
	return nil
}

// waitForControllers returns when each of them has done its part: kwok makes the node Ready, and the controller manager then removes its
// not-ready taint and creates the default ServiceAccount.
func (c *Cluster) waitForControllers(ctx context.Context) error {
	if err := c.Eventually(ctx, "the node to be schedulable", c.nodeReady); err != nil {
		return err
	}
	return c.waitForServiceAccount(ctx, metav1.NamespaceDefault)
}

func (c *Cluster) nodeReady(ctx context.Context) error {
	node, err := c.client.CoreV1().Nodes().Get(ctx, NodeName, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("failed to read the node: %w", err)
	}
	if len(node.Spec.Taints) > 0 {
		return fmt.Errorf("node %s has the taint %s", NodeName, node.Spec.Taints[0].Key)
	}
	for _, condition := range node.Status.Conditions {
		if condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue {
			return nil
		}
	}
	return fmt.Errorf("node %s is not Ready", NodeName)
}
