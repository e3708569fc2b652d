package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRestartEtcd(t *testing.T) {
	t.Parallel()
	c := startForTest(t, Options{})
	if err := c.CreateNamespace(t.Context(), "team", nil); err != nil {
		t.Fatal(err)
	}
	pods := c.Client().CoreV1().Pods("team")
	for _, name := range []string{"before", "between", "after"} {
		if _, err := pods.Create(t.Context(), pod(name), metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
		if name == "after" {
			break
		}
		if err := c.RestartEtcd(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := pods.List(t.Context(), metav1.ListOptions{}); err != nil || len(found.Items) != 3 {
		t.Errorf("the restarted etcd has %v, want the three pods (error: %v)", found, err)
	}
	select {
	case <-c.Done():
		t.Errorf("a restart is reported as a death: %v", c.Err())
	default:
	}
	requireStarts(t, c, 3)
}

// requireStarts counts etcd's starts in its log, which continues over restarts.
func requireStarts(t *testing.T, c *Cluster, want int) {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(c.Logs(), "etcd.log"))
	if got := strings.Count(string(log), `"msg":"Running: "`); err != nil || got != want {
		t.Errorf("etcd's log shows %d starts, want %d (error: %v)", got, want, err)
	}
}

// TestRestartAPIServer: clients find it at the same address, with the same data.
func TestRestartAPIServer(t *testing.T) {
	t.Parallel()
	c := startForTest(t, Options{})
	if err := c.CreateNamespace(t.Context(), "team", nil); err != nil {
		t.Fatal(err)
	}
	before := c.components[1].process.ID()
	if err := c.RestartAPIServer(t.Context()); err != nil {
		t.Fatal(err)
	}
	if after := c.components[1].process.ID(); after == before || c.components[1].name != apiServer {
		t.Errorf("process %d of %s is the second component, want another one than %d", after, c.components[1].name, before)
	}
	if _, err := c.Client().CoreV1().Pods("team").Create(t.Context(), pod("after"), metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	if err := c.Err(); err != nil {
		t.Errorf("a restart is reported as a death: %v", err)
	}
}

// TestRestartDeadEtcd: an unwanted death stays one.
func TestRestartDeadEtcd(t *testing.T) {
	t.Parallel()
	c := startForTest(t, Options{})
	if err := c.RestartEtcd(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.components[0].process.Stop(0)
	<-c.Done()
	if err := c.RestartEtcd(t.Context()); err == nil || !strings.Contains(err.Error(), "failed to restart etcd: it does not run") {
		t.Errorf("got error %v, want that etcd is dead already", err)
	}
}
