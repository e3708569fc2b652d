package e2e_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/performancecopilot/pcp-injector/test/docs/commands"
)

const openShiftPage = "../../docs/openshift.md"

// TestOpenShiftPage does what docs/openshift.md says, as far as a node without OpenShift can: its values, its objects, its copy of the archives.
func TestOpenShiftPage(t *testing.T) {
	t.Parallel()
	requireSite(t)
	s := newScene(t, here.pcp[len(here.pcp)-1].Name)
	s.create(podOf("exporter", exporterContainer()))
	s.createService("exporter", 9100)
	blocks, err := commands.For(openShiftPage, t.Name())
	if err != nil {
		t.Fatal(err)
	}
	if len(blocks) != 2 {
		t.Fatalf("the page has %d blocks for this test, want the objects and the copy", len(blocks))
	}
	folder := t.TempDir()
	if output, err := s.shell(folder, blocks[0].Text); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	s.installPCP(strings.Replace(valuesOnPage(t), "http://app.shop.svc:8080/metrics", "http://exporter:9100/12345", 1))
	pod := s.awaitReady("")
	first := s.secondArchive(pod)
	var log string
	eventually(t, archiveLimit, "a copy of the archives with many samples of the system between two of the source", func() error {
		if output, err := s.shell(folder, blocks[1].Text); err != nil {
			return fmt.Errorf("%w: %s", err, output)
		}
		log, err = s.shell(folder, `kubectl exec --stdin deploy/pcp --container pcp -- sh -c `+
			`'cd "$(mktemp -d)" && tar -xz && pmdumplog -L archive && pmdumplog archive kernel.all.load openmetrics.app.answer; rm -r "$PWD"' <archives.tar.gz`)
		most := 0
		for _, part := range betweenSamples(log, "openmetrics.app.answer") {
			most = max(most, strings.Count(part, "(kernel.all.load):"))
		}
		if err == nil && most < 6 {
			err = fmt.Errorf("there are at most %d, in %d bytes", most, len(log))
		}
		return err
	})
	if !strings.Contains(log, first) || !strings.Contains(log, "(openmetrics.app.answer): value 6\n") {
		t.Errorf("the copy does not begin with the first archive, %s, or lacks the source's value:\n%.3000s", first, log)
	}
}

// secondArchive has pmlogger begin another archive, and returns when the first one began, as pmdumplog writes it.
func (s *scene) secondArchive(pod *corev1.Pod) (commencing string) {
	s.t.Helper()
	const (
		label  = "cd " + archiveFolder + `/pcp && pmdumplog -L "$(ls *.index | head -n 1)" | grep -o 'commencing.*'`
		second = "ls " + archiveFolder + "/pcp/*.index | sed -n 2p | grep ."
	)
	eventually(s.t, archiveLimit, "an archive", func() (err error) {
		commencing, err = s.in(pod.Name, "pcp", "sh", "-c", label)
		return err
	})
	if output, err := s.in(pod.Name, "pcp", "systemctl", "restart", "--no-block", "pmlogger"); err != nil {
		s.t.Fatalf("%v: %s", err, output)
	}
	eventually(s.t, archiveLimit, "a second archive", func() error {
		_, err := s.in(pod.Name, "pcp", "sh", "-c", second)
		return err
	})
	return commencing
}

// shell runs a block of commands in a folder. Its kubectl is that of the scene's namespace.
func (s *scene) shell(folder, block string) (string, error) {
	cmd := exec.CommandContext(s.t.Context(), "sh", "-ec", `kubectl() { "$KUBECTL" --namespace "$NAMESPACE" "$@"; }`+"\n"+block)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "KUBECTL="+here.kubectl, "NAMESPACE="+s.namespace, "KUBECONFIG="+here.kubeconfig)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// valuesOnPage are those that the page shows.
func valuesOnPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile(filepath.FromSlash(openShiftPage))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile("(?s)`values.yaml`:\n\n```yaml\n(.*?)```\n").FindSubmatch(page)
	if match == nil {
		t.Fatal("the page has no values")
	}
	return string(match[1])
}
