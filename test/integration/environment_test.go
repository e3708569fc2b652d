// Package integration_test tests the injector's promises with a real API server, which calls the real webhook over TLS.
package integration_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/performancecopilot/pcp-injector/test/cluster"
	"github.com/performancecopilot/pcp-injector/test/injector"
)

const replicaSetController = "system:serviceaccount:kube-system:replicaset-controller"

// plane is the API server that most tests share, and command is the webhook built from this tree.
var (
	plane   *cluster.Cluster
	command string
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "pcp-injector-")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(folder)
	if command, err = injector.Build(ctx, folder); err != nil {
		return 1, err
	}
	if plane, err = cluster.Start(ctx, cluster.Options{}); err != nil {
		return 1, err
	}
	code = m.Run()
	return code, plane.Stop()
}

// environment is a test's own injector, for its own namespace.
type environment struct {
	t         *testing.T
	namespace string
	injector  *injector.Injector
	// probes are the dry runs that tried the webhook out. Their bare pod is not the target's.
	probes int
	// controller is access as the controller of ReplicaSets, admin as the administrator.
	controller, admin *client
}

// start starts an injector whose target is the Deployment node-monitor in a namespace with the given labels. settings are
// further lines of its configuration.
func start(t *testing.T, settings string, labels ...string) *environment {
	t.Helper()
	return startOn(t, plane, settings, labels...)
}

func startOn(t *testing.T, plane *cluster.Cluster, settings string, labels ...string) *environment {
	t.Helper()
	return startWith(t, plane, nil, settings, labels...)
}

// startWith gives the webhook further flags.
func startWith(t *testing.T, plane *cluster.Cluster, flags []string, settings string, labels ...string) *environment {
	t.Helper()
	e := &environment{t: t, namespace: strings.ToLower(strings.ReplaceAll(t.Name(), "/", "-"))}
	all := map[string]string{"pcp.io/injection": "enabled"}
	for _, label := range labels {
		key, value, _ := strings.Cut(label, "=")
		all[key] = value
	}
	if err := plane.CreateNamespace(t.Context(), e.namespace, all); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(settings, "target:") {
		settings = "target: {namespace: " + e.namespace + "}\n" + settings
	}
	var err error
	e.injector, err = injector.Start(t.Context(), plane, injector.Options{
		Command:        command,
		Name:           e.namespace + ".injector.pcp.io",
		Config:         strings.ReplaceAll(settings, "NAMESPACE", e.namespace),
		ProbeNamespace: e.namespace,
		Flags:          append([]string{"--log-level", "debug"}, flags...),
		// Each test's webhook ignores the namespaces of the others.
		Adjust: func(w *admissionregistrationv1.MutatingWebhook) {
			w.MatchConditions = append(w.MatchConditions, admissionregistrationv1.MatchCondition{
				Name: "test", Expression: "request.namespace in ['" + e.namespace + "', '" + e.namespace + "-other']",
			})
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.cleanUp(plane) })
	e.probes = e.count("NotDesignated")
	e.admin = newClient(t, plane.Config())
	config, err := plane.ConfigFor(replicaSetController, "system:serviceaccounts", "system:serviceaccounts:kube-system")
	if err != nil {
		t.Fatal(err)
	}
	e.controller = newClient(t, config)
	return e
}

func (e *environment) cleanUp(plane *cluster.Cluster) {
	if e.t.Failed() {
		e.t.Logf("log of the webhook:\n%s", e.injector.Log())
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := plane.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().Delete(ctx, e.injector.Name(), metav1.DeleteOptions{}); err != nil {
		e.t.Error(err)
	}
	if err := e.injector.Stop(); err != nil {
		e.t.Error(err)
	}
}

// count is how many admissions with a reason the webhook has counted.
func (e *environment) count(reason string) int {
	e.t.Helper()
	results := map[string]string{
		"Injected": "injected", "InvalidRequest": "rejected", "Incompatible": "rejected", "AlreadyInjected": "allowed",
		"NotDesignated": "allowed", "UntrustedCreator": "allowed", "NotRequested": "allowed",
	}
	value, err := e.injector.Metric(e.t.Context(), fmt.Sprintf("pcp_injector_admissions_total{reason=%q,result=%q}", reason, results[reason]))
	if err != nil {
		e.t.Fatal(err)
	}
	if reason == "NotDesignated" {
		return int(value) - e.probes
	}
	return int(value)
}

// admissions is how often the webhook was asked.
func (e *environment) admissions() int {
	e.t.Helper()
	count, err := e.injector.Admissions(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	return count
}

// client is access as one user, which records warnings.
type client struct {
	kubernetes.Interface

	mutex    sync.Mutex
	warnings []string
}

func newClient(t *testing.T, config *rest.Config) *client {
	t.Helper()
	c := &client{}
	config.WarningHandler = c
	config.QPS, config.Burst = 200, 400
	typed, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	c.Interface = typed
	return c
}

// HandleWarningHeader implements rest.WarningHandler.
func (c *client) HandleWarningHeader(_ int, _, text string) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.warnings = append(c.warnings, text)
}

func (c *client) allWarnings() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return strings.Join(c.warnings, "\n")
}

var dryRun = metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}}

// create creates the pod as the user sees it, in a dry run.
func (e *environment) create(as *client, pod *corev1.Pod) (*corev1.Pod, error) {
	return as.CoreV1().Pods(e.namespace).Create(e.t.Context(), pod, dryRun)
}
