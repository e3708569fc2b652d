package charts_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

// TestVerify: a pod is as it should be until somebody, or something, changes it.
func TestVerify(t *testing.T) { //nolint:tparallel // the pods are those of one Deployment, one after the other
	t.Parallel()
	p := pluginFor(t, "guard.enabled=false", "config.openMetrics.discover=true")
	p.apply(nodeMonitor(func(d *appsv1.Deployment) {
		d.Spec.Template.Annotations["openmetrics.pcp.io/app"] = "http://localhost:8080/metrics"
	})).must(t)
	p.pod("node-monitor", injected)
	for _, test := range []struct {
		name   string
		change func(pod string)
		result gate.Result
		says   string
	}{
		{"untouched", func(string) {}, gate.Passed, "as it should be"},
		{"image", func(pod string) {
			p.commands("set image pod/" + pod + " pcp=registry.example.com/pcp:next --namespace TARGET")
		}, gate.Passed, "upgraded: runs image "},
		{"label", func(pod string) { p.commands("label pod " + pod + " pcp.io/injected- --namespace TARGET") }, gate.Failed, "tampered with: metadata.labels[pcp.io/injected]: is missing"},
		{
			"source", func(pod string) {
				p.commands("annotate --overwrite pod " + pod + " openmetrics.pcp.io/app=http://10.0.0.1/metrics --namespace TARGET")
			}, gate.Failed, "tampered with: metadata.annotations[openmetrics.pcp.io/app]",
		},
		{"status", func(pod string) { p.commands("annotate pod " + pod + " pcp.io/status- --namespace TARGET") }, gate.Failed, "no annotation pcp.io/status"},
		{"configuration", func(string) { p.upgrade("config.container.image=registry.example.com/pcp:next") }, gate.Failed, "stale: made by configuration"},
	} {
		t.Run(test.name, func(t *testing.T) {
			outer := p.t
			p.t = t
			defer func() { p.t = outer }()
			test.change(p.pod("node-monitor", injected).Name)
			report := p.report("verify")
			if len(report.Gates) != 1 || report.Gates[0].Result != test.result || !strings.Contains(report.Gates[0].Evidence, test.says) {
				t.Fatalf("want %s, %s; got:\n%s", test.result, test.says, text(report))
			}
			if test.result == gate.Failed {
				p.follow(report.Gates[0].Remedy)
			} else {
				p.replacePod()
			}
			p.eventually("the new pod to be as it should be", func(context.Context) error {
				if report = p.report("verify"); len(report.Gates) != 1 || report.Result() != gate.Passed {
					return errors.New(text(report))
				}
				return nil
			})
		})
	}
	p.requireCustomTarget(t)
}

// TestRehearse: what would be added is shown, and nothing is created.
func TestRehearse(t *testing.T) {
	t.Parallel()
	p := pluginFor(t, "guard.warnings.scope=None")
	p.apply(nodeMonitor()).must(t)
	before := p.pod("node-monitor", injected)
	said := p.run("rehearse", nodeMonitorDeployment)
	for _, line := range []string{"\n+    name: pcp\n", "\n+    pcp.io/injected: \"true\"\n"} {
		if said.err != nil || !strings.Contains(said.stdout, line) {
			t.Errorf("error %v, want the line %q in:\n%s", said.err, line, said.all())
		}
	}
	if strings.Contains(said.stdout, "\n-    pcp.io/inject:") {
		t.Errorf("how the rehearsal asks is shown as a difference:\n%s", said.stdout)
	}
	if after := p.pod("node-monitor", injected); after.UID != before.UID {
		t.Error("the pod was replaced")
	}
	p.requireCompletes(t)
	p.requireOwnRight(t)
	p.commands("label namespace TARGET pcp.io/injection-")
	p.eventually("the namespace's label to be heeded", func(context.Context) error {
		if said = p.run("rehearse", nodeMonitorDeployment); exitStatus(said.err) != 3 || said.stdout != "" || !strings.Contains(said.stderr, p.expand("the pod would get no PCP: kubectl pcp explain deployment/node-monitor --namespace TARGET says why")) {
			return errors.New(said.all())
		}
		return nil
	})
	p.commands("label --overwrite namespace TARGET pcp.io/injection=enabled pod-security.kubernetes.io/enforce=baseline")
	p.eventually("Pod Security to be heeded", func(context.Context) error {
		if said = p.run("rehearse", nodeMonitorDeployment); exitStatus(said.err) != 3 || !strings.Contains(said.stderr, `violates PodSecurity "baseline:latest"`) || !strings.Contains(said.stderr, p.expand("; kubectl pcp explain deployment/node-monitor --namespace TARGET says")) {
			return errors.New(said.all())
		}
		return nil
	})
}

// requireOwnRight: who rehearses as somebody else needs what that user would need.
func (p *plugin) requireOwnRight(t *testing.T) {
	t.Helper()
	const user = "rehearsing-user"
	p.allow(user, `[{apiGroups: [apps], resources: [deployments], verbs: [get]}, {apiGroups: [""], resources: [pods], verbs: [create]}]`)
	rehearse := []string{"rehearse", nodeMonitorDeployment, "--as", user}
	p.eventually("the rights to be heeded", func(context.Context) error {
		said := p.run(rehearse...)
		if exitStatus(said.err) != 3 || said.stdout != "" || !strings.Contains(said.stderr, `user "`+user+`" cannot impersonate resource "serviceaccounts"`) {
			return errors.New(said.all())
		}
		return nil
	})
	role := p.expand("rehearse.TARGET")
	p.commands("create clusterrole " + role + " --verb=impersonate --resource=serviceaccounts,groups\n" +
		"create clusterrolebinding " + role + " --clusterrole=" + role + " --user=" + user)
	p.eventually("the right to impersonate", func(context.Context) error { return p.run(rehearse...).failure() })
	p.commands("delete clusterrolebinding/" + role + " clusterrole/" + role)
}

// requireCompletes: kubectl finds the program that a release has beside the plugin, and completes with it, also names in the cluster.
func (p *plugin) requireCompletes(t *testing.T) {
	t.Helper()
	script, err := filepath.Abs(filepath.Join("..", "..", "cmd", "kubectl-pcp", "kubectl_complete-pcp"))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	for _, program := range []string{script, pluginCommand} {
		if err := os.Symlink(program, filepath.Join(folder, filepath.Base(program))); err != nil {
			t.Fatal(err)
		}
	}
	environment := append(plane.Environment(), "PATH="+folder+string(os.PathListSeparator)+os.Getenv("PATH"))
	for typed, want := range map[string]string{
		"rehearse --namespace " + p.target + " deploy/": "deploy/node-monitor\n:4\n",
		"status --output=": "json\nyaml\nwide\n:4\n",
	} {
		words := append([]string{"__complete", "pcp"}, strings.Fields(typed)...)
		if said := execute(t, "", environment, plane.Kubectl(), words...); said.err != nil || said.stdout != want {
			t.Errorf("kubectl pcp %s<TAB>: error %v, want %q:\n%s", typed, said.err, want, said.all())
		}
	}
}

// TestUpgrade: another image in a live pod takes the verb that the guard wants, and then the pod is known as upgraded.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	p := pluginFor(t, "guard.warnings.scope=None")
	p.apply(nodeMonitor()).must(t)
	pod := p.pod("node-monitor", injected)
	const user, image = "upgrading-user", "registry.example.com/pcp:next"
	p.allow(user, `[{apiGroups: [""], resources: [pods], verbs: [get, patch]}]`)
	upgrade := []string{"upgrade", pod.Name, "--image", image, "--timeout", "0", "--as", user}
	p.eventually("the guard to be heeded", func(context.Context) error {
		said := kubectl(t, "", "set", "image", "pod/"+pod.Name, "pcp="+image, "--namespace", p.target, "--as", user, "--dry-run=server")
		if !strings.Contains(said.stderr, `needs the verb "upgrade"`) {
			return errors.New(said.all())
		}
		return nil
	})
	if said := p.run(upgrade...); exitStatus(said.err) != 1 || !strings.Contains(said.stderr, `needs the verb "upgrade" on "injections"`) {
		t.Errorf("exit code %d, want 1 and the verb that is missing:\n%s", exitStatus(said.err), said.all())
	}
	p.allow(user, `[{apiGroups: [""], resources: [pods], verbs: [get, patch]}, {apiGroups: [pcp.io], resources: [injections], verbs: [upgrade]}]`)
	p.eventually("the verb to be heeded", func(context.Context) error { return p.run(upgrade...).failure() })
	upgraded := p.pod("node-monitor", withImage(image))
	if upgraded.UID != pod.UID || upgraded.Spec.Containers[0].Image != pod.Spec.Containers[0].Image {
		t.Errorf("more than PCP's image has changed: %+v", upgraded.Spec.Containers)
	}
	for _, name := range []string{pod.Name, "pod/" + pod.Name, nodeMonitorDeployment} {
		if said := p.run("upgrade", name, "--image", image).must(t); said != "pod/"+pod.Name+": PCP's container already runs "+image+"\n" {
			t.Errorf("upgrade %s to the image that runs says %q", name, said)
		}
	}
	if report := p.report("verify"); report.Result() != gate.Passed || !strings.Contains(text(report), "upgraded") {
		t.Errorf("want the pod to be known as upgraded:\n%s", text(report))
	}
	if said := p.run("status"); !strings.Contains(said.stdout, pod.Name) || !strings.Contains(said.stdout, "upgraded") {
		t.Errorf("want the pod in the list, as upgraded:\n%s", said.all())
	}
	if said := p.run("upgrade", "gone", "--image", image); exitStatus(said.err) != 1 || said.stderr != "error: pod/gone does not exist in namespace "+p.target+"\n" {
		t.Errorf("exit code %d, want 1 and one sentence about the pod that is not there:\n%s", exitStatus(said.err), said.all())
	}
}

// TestWatch: status shows the list until Ctrl-C, and outlives the connection to the cluster.
func TestWatch(t *testing.T) {
	t.Parallel()
	p := pluginFor(t, "guard.warnings.scope=None")
	p.apply(nodeMonitor()).must(t)
	pod := p.pod("node-monitor", injected)
	connection := newRelay(t, strings.TrimPrefix(plane.Config().Host, "https://"))
	cmd := exec.CommandContext(t.Context(), pluginCommand, "status", "--watch", "--namespace", p.target, "--server", "https://"+connection.address)
	cmd.Env = append(os.Environ(), plane.Environment()...)
	output, outputErr := cmd.StdoutPipe()
	problems, err := cmd.StderrPipe()
	if err = errors.Join(outputErr, err); err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	stdout, stderr := bufio.NewScanner(output), bufio.NewScanner(problems)
	says := func(lines *bufio.Scanner, what string) {
		t.Helper()
		if !lines.Scan() || !strings.Contains(lines.Text(), what) {
			t.Fatalf("want the line %q, got %q", what, lines.Text())
		}
	}
	says(stdout, "Pods with PCP in namespace "+p.target)
	says(stdout, "STATE")
	says(stdout, pod.Name)
	connection.cut()
	says(stderr, "The cluster at https://"+connection.address+" cannot be reached: ")
	connection.mend()
	says(stderr, "The cluster answers again")
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for stdout.Scan() { // Until it ends.
	}
	if stderr.Scan() {
		t.Errorf("it also says %q", stderr.Text())
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C it ends with %v", err)
	}
}

// relay passes on what goes to an address, while it is not cut.
type relay struct {
	address string
	lock    sync.Mutex
	// link ends when it is cut.
	link context.Context //nolint:containedctx // connections that are to come need it
	end  context.CancelFunc
	test context.Context //nolint:containedctx // it outlives each link
}

func newRelay(t *testing.T, to string) *relay {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	context.AfterFunc(t.Context(), func() { _ = listener.Close() })
	r := &relay{address: listener.Addr().String(), test: t.Context()}
	r.mend()
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			r.pass(near, to)
		}
	}()
	return r
}

func (r *relay) pass(near net.Conn, to string) {
	r.lock.Lock()
	link := r.link
	r.lock.Unlock()
	far, err := (&net.Dialer{}).DialContext(link, "tcp", to)
	if err != nil {
		_ = near.Close()
		return
	}
	context.AfterFunc(link, func() { _, _ = near.Close(), far.Close() })
	go func() { _, _ = io.Copy(far, near) }()
	go func() { _, _ = io.Copy(near, far) }()
}

// cut ends the connections, and those that are made until it is mended.
func (r *relay) cut() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.end()
}

func (r *relay) mend() {
	r.lock.Lock()
	defer r.lock.Unlock()
	r.link, r.end = context.WithCancel(r.test)
}
