package charts_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestNodeNetworkOfPods: where PCP puts the whole pod on the node's network, an editor of the target's namespace comes onto it by
// none of the pod's containers, and by no connection through the API server.
func TestNodeNetworkOfPods(t *testing.T) {
	t.Parallel()
	takeNodePorts(t)
	r, pod := started(t, "helm", "config.hostMonitoring.enabled=true", "config.hostMonitoring.hostNetwork=true")
	defer mustKubectl(t, "", "delete", nodeMonitorDeployment, "--namespace", r.target, "--cascade=foreground", "--timeout=60s")
	r.apply(nodeMonitor(rename, func(d *appsv1.Deployment) {
		d.Spec.Template.Annotations = nil
		d.Spec.Selector.MatchLabels["app"] = "second"
	})).must(t)
	other := r.pod("second", untouched)
	denied := `: Forbidden: pod "` + pod.Name + `" is on the node's network, and user "alice" may neither connect to it nor run anything there: ` + lacks("exec")
	image := func(pod string) attempt {
		return r.attempted("image of app in "+pod, "set", "image", "pod/"+pod, "app=registry.example.com/evil:v1")
	}
	r.requireAttempts(
		r.attaches("exec", "alice", pod.Name, "app").isDenied("pods/exec"+denied),
		r.attaches("attach", "alice", pod.Name, "app").isDenied("pods/attach"+denied),
		r.attaches("exec", "bob", pod.Name, "app"),
		r.attaches("exec", "alice", other.Name, "app"),
		r.forwards("alice", pod.Name).isDenied("pods/portforward"+denied),
		r.forwards("bob", pod.Name),
		r.forwards("alice", other.Name),
		r.proxies("alice", "http:"+pod.Name+":10248").isDenied("pods/proxy: Forbidden"),
		r.proxies("alice", pod.Name).isDenied("pods/proxy: Forbidden"),
		r.proxies("bob", pod.Name+":10248"),
		r.proxies("alice", other.Name+":8080"),
		image(pod.Name).as("alice").isDenied(`image of app: Forbidden: user "alice" may not change it in a live pod, `+
			`because it uses the node's network beside PCP: `+lacks("upgrade")),
		image(pod.Name).as("bob"),
		r.patches("system:serviceaccount:kube-system:replicaset-controller", pod.Name, "app"),
		r.patches("system:serviceaccount:kube-system:replicaset-controller", pod.Name, "pcp").isDenied("image of pcp: Forbidden"),
		image(other.Name).as("alice"),
	)
	r.requireTypesRight()
}

// nodePorts are PCP's ports on the network of the one simulated node: the scheduler gives them to one pod at a time.
var nodePorts sync.Mutex

// takeNodePorts waits until no other test has them. A test gives them back by deleting its pods.
func takeNodePorts(t *testing.T) {
	t.Helper()
	nodePorts.Lock()
	t.Cleanup(nodePorts.Unlock)
}

// patches sets another image of a container, as controllers of custom kinds do in a running pod.
func (r *release) patches(user, pod, container string) attempt {
	r.t.Helper()
	pods := r.clientOf(user).CoreV1().Pods(r.target)
	patch := fmt.Sprintf(`{"spec":{"containers":[{"name":%q,"image":"registry.example.com/next:v1"}]}}`, container)
	return attempt{name: user + " updates " + container, call: func(ctx context.Context) error {
		_, err := pods.Patch(ctx, pod, types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}}
}

// forwards is kubectl port-forward. No kubelet runs on the simulated node: who is let through, fails to reach it.
func (r *release) forwards(user, pod string) attempt {
	r.t.Helper()
	return r.connects(user+" forwards a port", "port-forward", "pod/"+pod, ":10248", "--pod-running-timeout=2s", "--as", user, "--namespace", r.target)
}

// proxies is a request to a port of the pod through the API server.
func (r *release) proxies(user, name string) attempt {
	r.t.Helper()
	path := "/api/v1/namespaces/" + r.target + "/pods/" + name + "/proxy/healthz"
	return r.connects(user+" connects to "+name, "get", "--raw", path, "--request-timeout=2s", "--as", user)
}

// connects is an attempt of kubectl to connect, where nothing runs.
func (r *release) connects(name string, arguments ...string) attempt {
	return attempt{name: name, call: func(context.Context) error {
		said := kubectl(r.t, "", arguments...)
		if said.err == nil {
			return fmt.Errorf("kubectl %s succeeded where nothing runs: %s", strings.Join(arguments, " "), said.all())
		}
		if strings.Contains(said.stderr, "orbidden") {
			return fmt.Errorf("%s", said.stderr)
		}
		return nil
	}}
}
