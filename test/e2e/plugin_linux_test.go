package e2e_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/test/e2e/injectorimage"
	"github.com/performancecopilot/pcp-injector/test/injector"
)

// pluginVariable has the path of kubectl pcp, built outside, for the tests inside of the namespaces.
const pluginVariable = "PCP_E2E_PLUGIN"

// buildPlugin builds kubectl pcp in the version of the webhook's image, and returns how to remove it.
func buildPlugin(ctx context.Context) (remove func(), err error) {
	folder, err := os.MkdirTemp("", "pcp-e2e-plugin-")
	if err != nil {
		return nil, err
	}
	remove = func() { _ = os.RemoveAll(folder) }
	path, err := injector.BuildPlugin(ctx, folder, "-ldflags", "-X main.version="+injectorimage.Version)
	if err == nil {
		err = os.Setenv(pluginVariable, path)
	}
	if err != nil {
		remove()
		return nil, err
	}
	return remove, nil
}

// plugin runs kubectl pcp for the scene's namespace, and returns what it prints and its exit code.
func (s *scene) plugin(t *testing.T, arguments ...string) (output, problems string, code int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	var stdout, stderr strings.Builder
	cmd := exec.CommandContext(ctx, os.Getenv(pluginVariable), append([]string{"--kubeconfig", here.kubeconfig, "--namespace", s.namespace}, arguments...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	return stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()
}

// pluginStatus is what kubectl pcp status says of one pod.
type pluginStatus struct {
	Pod, Node, Image, State, Version string
	Ready                            bool
	Restarts                         int32
	Sources                          []struct{ Name, Result, Problem string }
	Archives                         *struct{ Files, Bytes int64 }
	Unknown                          []string
}

func (m *monitor) status(t *testing.T) (*pluginStatus, error) {
	t.Helper()
	output, problems, code := m.plugin(t, "status", "-o", "json")
	var said struct{ Pods []pluginStatus }
	if err := json.Unmarshal([]byte(output), &said); err != nil || code != 0 || len(said.Pods) != 1 {
		return nil, fmt.Errorf("status ends with %d (%w): %s%s", code, err, output, problems)
	}
	return &said.Pods[0], nil
}

// awaitStatus waits until status knows all of a pod, with the version and the state.
func (m *monitor) awaitStatus(t *testing.T, version, state string) *pluginStatus {
	t.Helper()
	var found *pluginStatus
	eventually(t, metricLimit, "what kubectl pcp status shows", func() (err error) {
		if found, err = m.status(t); err != nil {
			return err
		}
		sources := map[string]string{}
		for _, source := range found.Sources {
			sources[source.Name] = source.Result
		}
		if !found.Ready || !strings.HasPrefix(found.Version, version) || found.State != state || len(found.Unknown) > 0 || found.Archives == nil || found.Archives.Bytes == 0 ||
			len(sources) != 2 || sources["from_annotation"] != "reachable" || sources["nobody"] != "unreachable" {
			return fmt.Errorf("got %+v, want version %s, which is %s", found, version, state)
		}
		return nil
	})
	if found.Pod != m.pod.Name || found.Node != m.pod.Spec.NodeName {
		t.Errorf("status shows pod %s on node %s, want %s on %s", found.Pod, found.Node, m.pod.Name, m.pod.Spec.NodeName)
	}
	return found
}

// checked: kubectl pcp check finds that nobody serves one of the two sources, and nothing else that is red.
func (m *monitor) checked(t *testing.T, version string) {
	t.Helper()
	var output string
	eventually(t, metricLimit, "what kubectl pcp check finds", func() error {
		var problems string
		var code int
		output, problems, code = m.plugin(t, "check", "-o", "json")
		var said struct{ Reports []*gate.Report }
		if err := json.Unmarshal([]byte(output), &said); err != nil || code != 3 {
			return fmt.Errorf("check ends with %d (%w): %s%s", code, err, output, problems)
		}
		var red []string
		found := map[string]gate.Gate{}
		for _, report := range said.Reports {
			for _, one := range report.Gates {
				if one.Result == gate.Failed {
					red = append(red, one.Name)
				}
				if report.Subject == "PCP in pod/"+m.pod.Name {
					found[one.Name] = one
				}
			}
		}
		for name, evidence := range map[string]string{
			"pmcd": "PCP " + version, "agents": "all ", "archives": " grows: last written ", "volume": " used, ",
			"sources": "1 of 2 OpenMetrics sources cannot be read: nobody: Failed to establish",
		} {
			if !strings.Contains(found[name].Evidence, evidence) {
				return fmt.Errorf("the gate %s is %+v, want %q:\n%s", name, found[name], evidence, output)
			}
		}
		if !slices.Equal(red, []string{"sources"}) {
			return fmt.Errorf("red are %v, want the sources alone:\n%s", red, output)
		}
		return nil
	})
	output, _, _ = m.plugin(t, "check")
	t.Logf("kubectl pcp check:\n%s", output)
}

// verified runs kubectl pcp verify.
func (m *monitor) verified(t *testing.T, code int, says string) {
	t.Helper()
	output, problems, got := m.plugin(t, "verify")
	if got != code || !strings.Contains(strings.Join(strings.Fields(output), " "), says) {
		t.Errorf("verify ends with %d, want %d and %q:\n%s%s", got, code, says, output, problems)
	}
}

// TestPlugin: kubectl pcp shows a PCP of version 6.3 as it is, and upgrades it to 7.2 in the live pod.
func TestPlugin(t *testing.T) {
	t.Parallel()
	requireSite(t)
	if len(here.pcp) < 2 {
		t.Skip("needs two versions of PCP")
	}
	s := newScene(t, here.pcp[0].Name)
	m := &monitor{scene: s, host: "node-monitor", sources: map[string]int{"openmetrics.from_annotation.answer": len("/1")}}
	m.installInjector("")
	m.pod = m.deploy(nodeMonitor(map[string]string{sourceAnnotation: "http://localhost:9100/1\n", "openmetrics.pcp.io/nobody": "http://localhost:9/\n"}))
	before, after := here.pcp[0], here.pcp[1]
	m.live([]step{
		{"Before", func(t *testing.T) {
			t.Helper()
			m.awaitStatus(t, before.Version, "as it should be")
			m.verified(t, 0, "as it should be: made by "+injectorimage.Version)
			output, problems, _ := m.plugin(t, "status")
			t.Logf("kubectl pcp status:\n%s%s", output, problems)
			if text := strings.Join(strings.Fields(output), " "); !strings.Contains(text, " 1/2 ") || !strings.Contains(text, "source nobody does not answer: Failed to establish") {
				t.Errorf("status shows:\n%s", output)
			}
		}},
		{"Rights", m.lacksRights},
		{"Archive", m.archived},
		{"Check", func(t *testing.T) { t.Helper(); m.checked(t, before.Version) }},
		{"Upgrade", func(t *testing.T) { t.Helper(); m.upgrade(t, after.Name) }},
		{"After", func(t *testing.T) {
			t.Helper()
			m.awaitStatus(t, after.Version, "upgraded")
			m.verified(t, 0, "upgraded: runs image ")
		}},
		{"ArchivesGoOn", m.archivesGoOn},
		{"CheckAfter", func(t *testing.T) { t.Helper(); m.checked(t, after.Version) }},
		{"Tampered", func(t *testing.T) {
			t.Helper()
			const patch = `{"spec":{"containers":[{"name":"pcp","resources":{"requests":{"cpu":"60m"}}}]}}`
			if output, err := m.kubectl(t.Context(), "patch", "pod", m.pod.Name, "--subresource", "resize", "--patch", patch); err != nil {
				t.Fatalf("%v: %s", err, output)
			}
			m.verified(t, 3, "tampered with: spec.containers[pcp].image")
			m.verified(t, 3, "spec.containers[pcp].resources.requests.cpu")
		}},
		{"Watch", m.watched},
	})
}

// lacksRights: a user who may only read sees the pod, and why the rest is unknown.
func (m *monitor) lacksRights(t *testing.T) {
	t.Helper()
	const user = "reader-of-pods"
	defer func() {
		_, _ = m.kubectl(context.WithoutCancel(t.Context()), "delete", "clusterrolebinding/"+m.namespace, "clusterrole/"+m.namespace)
	}()
	for _, arguments := range [][]string{
		{"clusterrole", m.namespace, "--verb", "get,list", "--resource", "pods,services,configmaps,deployments.apps,replicasets.apps," +
			"endpointslices.discovery.k8s.io,mutatingwebhookconfigurations.admissionregistration.k8s.io"},
		{"clusterrolebinding", m.namespace, "--clusterrole", m.namespace, "--user", user},
	} {
		if _, err := m.kubectl(t.Context(), append([]string{"create"}, arguments...)...); err != nil {
			t.Fatal(err)
		}
	}
	output, problems, code := m.plugin(t, "status", "--as", user)
	t.Logf("kubectl pcp status --as %s:\n%s%s", user, output, problems)
	for _, part := range []string{m.pod.Name, "as it should be", `cannot create resource "pods/portforward"`, `cannot create resource "pods/exec"`} {
		if text := strings.Join(strings.Fields(output), " "); code != 0 || !strings.Contains(text, part) {
			t.Errorf("status ends with %d, and does not show %q:\n%s%s", code, part, output, problems)
		}
	}
}

// upgrade runs another PCP in the live pod: only its container restarts.
func (m *monitor) upgrade(t *testing.T, image string) {
	t.Helper()
	output, problems, code := m.plugin(t, "upgrade", m.pod.Name, "--image", image)
	if code != 0 || !strings.Contains(output, "PCP is ready") {
		t.Fatalf("upgrade ends with %d:\n%s%s", code, output, problems)
	}
	after, err := m.client.CoreV1().Pods(m.namespace).Get(t.Context(), m.pod.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if after.UID != m.pod.UID || after.Status.PodIP != m.pod.Status.PodIP {
		t.Errorf("the pod is another one")
	}
	was := map[string]corev1.ContainerStatus{}
	for _, status := range m.pod.Status.ContainerStatuses {
		was[status.Name] = status
	}
	for _, is := range after.Status.ContainerStatuses {
		before := was[is.Name]
		if is.Name != "pcp" && (is.ContainerID != before.ContainerID || is.RestartCount != before.RestartCount || !is.State.Running.StartedAt.Equal(&before.State.Running.StartedAt)) {
			t.Errorf("container %s was restarted: %+v, before %+v", is.Name, is, before)
		}
		if is.Name == "pcp" && (is.RestartCount != before.RestartCount+1 || is.ImageID == before.ImageID) {
			t.Errorf("PCP's container was restarted %d times, its image is %s", is.RestartCount-before.RestartCount, is.ImageID)
		}
	}
	if len(was) != len(after.Status.ContainerStatuses) || len(was) < 2 {
		t.Errorf("the pod has %d containers, had %d", len(after.Status.ContainerStatuses), len(was))
	}
	m.pod = after
}

// archivesGoOn: PCP writes a new archive, with the source, and the one from before can be read. Not both in one run of pmrep: 7.2 has another
// type for some metric, and PCP then refuses to read archives as one, see docs/versions.md.
func (m *monitor) archivesGoOn(t *testing.T) {
	t.Helper()
	before := m.archive
	eventually(t, archiveLimit, "a new archive with both kinds of metrics", func() error {
		archives, err := m.archives()
		if err != nil {
			return err
		}
		for _, archive := range archives {
			if archive == before {
				continue
			}
			if err = m.read(archive); err == nil {
				return nil
			}
		}
		return fmt.Errorf("none of %v, other than %s: %w", archives, before, err)
	})
	if err := m.read(before); err != nil {
		t.Errorf("the archive from before cannot be read: %v", err)
	}
	m.openMetrics(t)
	_, err := m.pcp("pmrep", "-a", archiveFolder+"/"+m.host, "-s", "1", "kernel.all.load")
	t.Logf("all archives as one: %v", err)
}

// watched: status shows when the pod it watches is gone, and ends with Ctrl-C.
func (m *monitor) watched(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	var stdout, stderr lockedBuffer
	cmd := exec.CommandContext(ctx, os.Getenv(pluginVariable), "--kubeconfig", here.kubeconfig, "--namespace", m.namespace, "status", "--watch")
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	shows := func(what string, buffer *lockedBuffer) {
		t.Helper()
		eventually(t, startLimit, what, func() error {
			if text := buffer.String(); !strings.Contains(text, what) {
				return fmt.Errorf("status --watch shows:\n%s", text)
			}
			return nil
		})
	}
	shows(m.pod.Name, &stdout)
	if _, err := m.client.AppsV1().Deployments(m.namespace).Patch(t.Context(), "node-monitor", types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{}); err != nil {
		t.Fatal(err)
	}
	shows("No pods with PCP were found.", &stderr)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ended := time.Now()
	if err := cmd.Wait(); err != nil {
		t.Errorf("after Ctrl-C it ends with %v: %s", err, stderr.String())
	}
	t.Logf("it ended %s after Ctrl-C", time.Since(ended))
}

// lockedBuffer is read while a command writes it.
type lockedBuffer struct {
	lock sync.Mutex
	text strings.Builder
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.Write(p)
}

func (b *lockedBuffer) String() string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.text.String()
}
