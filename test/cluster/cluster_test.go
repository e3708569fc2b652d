package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/performancecopilot/pcp-injector/test/loopback"
)

// startForTest starts a plane and stops it at the end of the test.
func startForTest(t *testing.T, options Options) *Cluster {
	t.Helper()
	options.Progress = t.Output()
	c, err := Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Stop(); err != nil {
			t.Error(err)
		}
		requireGone(t, c)
	})
	return c
}

// requireGone checks that neither a process nor a file of the plane is left.
func requireGone(t *testing.T, c *Cluster) {
	t.Helper()
	for _, component := range c.components {
		if err := syscall.Kill(component.process.ID(), 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("%s (process %d) still runs: %v", component.name, component.process.ID(), err)
		}
	}
	if _, err := os.Stat(c.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder %s is left: %v", c.folder, err)
	}
}

func pod(name string) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"app": name}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: "example"}}},
	}
}

// requireVersion: make compat sets KUBERNETES and must test that version.
func requireVersion(t *testing.T, c *Cluster) {
	t.Helper()
	version, err := c.Client().Discovery().ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	wanted := os.Getenv("KUBERNETES")
	t.Logf("the API server has the version %s", version.GitVersion)
	if got, want := version.GitVersion+".", "v"+strings.TrimPrefix(wanted, "v")+"."; wanted != "" && !strings.HasPrefix(got, want) {
		t.Errorf("the API server has the version %s, want %s", version.GitVersion, wanted)
	}
}

func TestPlainPlane(t *testing.T) {
	t.Parallel()
	c := startForTest(t, Options{})
	if err := c.CreateNamespace(t.Context(), "team", nil); err != nil {
		t.Fatal(err)
	}
	t.Run("has the version", func(t *testing.T) {
		t.Parallel()
		requireVersion(t, c)
	})
	t.Run("admits a pod", func(t *testing.T) {
		t.Parallel()
		created, err := c.Client().CoreV1().Pods("team").Create(t.Context(), pod("web"), metav1.CreateOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if created.Spec.ServiceAccountName != "default" {
			t.Errorf("service account %q, want default: admission plugins do not work", created.Spec.ServiceAccountName)
		}
	})
	t.Run("knows other users", func(t *testing.T) {
		t.Parallel()
		config, err := c.ConfigFor("mallory", "strangers")
		if err != nil {
			t.Fatal(err)
		}
		_, err = kubernetes.NewForConfigOrDie(config).CoreV1().Pods("team").Create(t.Context(), pod("intruder"), metav1.CreateOptions{})
		if !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `User "mallory" cannot create`) {
			t.Errorf("got error %v, want that mallory is forbidden to create pods", err)
		}
	})
}

// createDeployment creates the Deployment web.
func createDeployment(t *testing.T, c *Cluster, namespace string) {
	t.Helper()
	template := pod("web")
	deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: "web"}, Spec: appsv1.DeploymentSpec{
		Replicas: new(int32(1)), Selector: &metav1.LabelSelector{MatchLabels: template.Labels},
		Template: corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: template.Labels}, Spec: template.Spec},
	}}
	if _, err := c.Client().AppsV1().Deployments(namespace).Create(t.Context(), deployment, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
}

func TestControllersAlone(t *testing.T) {
	t.Parallel()
	c := startForTest(t, Options{Controllers: true})
	createDeployment(t, c, metav1.NamespaceDefault)
	err := c.Eventually(t.Context(), "the deployment to have its pod", func(ctx context.Context) error {
		pods, err := c.Client().CoreV1().Pods(metav1.NamespaceDefault).List(ctx, metav1.ListOptions{})
		if err == nil && (len(pods.Items) != 1 || pods.Items[0].Status.Phase != corev1.PodPending) {
			err = fmt.Errorf("there are %d pods, want one that is Pending", len(pods.Items))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestFullPlane(t *testing.T) {
	t.Parallel()
	c := startForTest(t, Options{Full: true})
	if err := c.CreateNamespace(t.Context(), "team", nil); err != nil {
		t.Fatal(err)
	}
	createDeployment(t, c, "team")
	err := c.Eventually(t.Context(), "the deployment to be available", func(ctx context.Context) error {
		got, err := c.Client().AppsV1().Deployments("team").Get(ctx, "web", metav1.GetOptions{})
		if err == nil && got.Status.AvailableReplicas != 1 {
			err = errors.New("no replica is available")
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	events, err := c.AuditEvents(func(event AuditEvent) bool {
		return event.Verb == "create" && event.ObjectRef.Resource == "pods" && event.ObjectRef.Subresource == "" && event.ObjectRef.Namespace == "team"
	})
	if err != nil {
		t.Fatal(err)
	}
	const creator = "system:serviceaccount:kube-system:replicaset-controller"
	if len(events) != 1 || events[0].User.Username != creator {
		t.Errorf("got creations %+v, want one by %s", events, creator)
	}
}

func TestTakenPort(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", loopback.Host+":0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	// The first two ports are etcd's. The third is the API server's.
	for _, taken := range []int32{1, 3} {
		var asked atomic.Int32
		startForTest(t, Options{pickPort: func(ctx context.Context) (int, error) {
			if asked.Add(1) == taken {
				return listener.Addr().(*net.TCPAddr).Port, nil
			}
			return loopback.Port(ctx)
		}})
		if got, least := asked.Load(), int32(4); got < least {
			t.Errorf("asked for %d ports, want %d at least: the taken port %d was not replaced", got, least, taken)
		}
	}
}

func TestComponentDiesDuringStart(t *testing.T) {
	t.Parallel()
	logs := t.TempDir()
	_, err := Start(t.Context(), Options{APIServerFlags: []string{"--no-such-flag"}, LogFolder: logs})
	if err == nil {
		t.Fatal("the API server accepts a flag that does not exist")
	}
	for _, part := range []string{"kube-apiserver died", "exit status 1", "unknown flag: --no-such-flag"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("error %q does not contain %q", err, part)
		}
	}
	if _, err := os.Stat(filepath.Join(logs, "kube-apiserver.log")); err != nil {
		t.Errorf("the log is not kept: %v", err)
	}
}

func TestComponentDiesLater(t *testing.T) {
	t.Parallel()
	c := startForTest(t, Options{})
	if err := syscall.Kill(c.components[0].process.ID(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.Done():
	case <-time.After(readyTimeout):
		t.Fatal("the death of etcd goes unnoticed")
	}
	if err := c.Err(); err == nil || !strings.Contains(err.Error(), "etcd died: signal: killed") {
		t.Errorf("got error %v, want that etcd was killed", err)
	}
}

func TestCanceledStart(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var ports atomic.Int32
	c := &Cluster{failure: failure{done: make(chan struct{})}, options: Options{pickPort: func(ctx context.Context) (int, error) {
		// The third port is the API server's, which is about to be started.
		if ports.Add(1) == 3 {
			time.AfterFunc(500*time.Millisecond, cancel)
		}
		return loopback.Port(ctx)
	}}}
	err := c.start(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got error %v, want that the start was canceled", err)
	}
	if err := c.Stop(); err != nil {
		t.Error(err)
	}
	if len(c.components) != 2 {
		t.Errorf("%d components were started, want etcd and the API server", len(c.components))
	}
	requireGone(t, c)
}
