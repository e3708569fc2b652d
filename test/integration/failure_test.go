package integration_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// TestWebhookDown: pods that ask are rejected instead of created without PCP, and nobody else notices.
func TestWebhookDown(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	e.injector.Kill()
	_, err := e.create(e.controller, targetPod())
	if err == nil || !strings.Contains(err.Error(), "failed calling webhook") {
		t.Errorf("the user sees %v", err)
	}
	for _, pod := range []*corev1.Pod{plainPod(), targetPod(annotate("pcp.io/inject", "false"))} {
		if _, err := e.create(e.controller, pod); err != nil {
			t.Errorf("a pod that did not ask: %v", err)
		}
	}
	other := e.namespace + "-other"
	if err := plane.CreateNamespace(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := e.controller.CoreV1().Pods(other).Create(t.Context(), targetPod(), dryRun); err != nil {
		t.Errorf("a pod in a namespace that has not opted in: %v", err)
	}
}

// TestCertificateIsReplaced while admissions run: none fails, and the new certificate is served.
func TestCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	const rotations, workers = 5, 4
	e := start(t, "")
	last := e.certificateSerial()
	stop := make(chan struct{})
	failures := make(chan error, workers)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() { failures <- e.createUntil(stop) })
	}
	for range rotations {
		if err := e.injector.RotateCertificate(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the new certificate to be served", func() bool { return e.certificateSerial() != last })
		last = e.certificateSerial()
		e.renewConnection()
		before := e.count("Injected")
		eventually(t, "admissions over the new certificate", func() bool { return e.count("Injected") >= before+workers })
	}
	close(stop)
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			t.Errorf("an admission failed: %v", err)
		}
	}
}

// renewConnection makes the API server shake hands again. It keeps one connection for each caBundle, so this adds an authority that signs
// nothing to the bundle.
func (e *environment) renewConnection() {
	e.t.Helper()
	configurations := plane.Client().AdmissionregistrationV1().MutatingWebhookConfigurations()
	configuration, err := configurations.Get(e.t.Context(), e.injector.Name(), metav1.GetOptions{})
	if err != nil {
		e.t.Fatal(err)
	}
	other, err := cluster.NewAuthority("other")
	if err != nil {
		e.t.Fatal(err)
	}
	bundle := &configuration.Webhooks[0].ClientConfig.CABundle
	*bundle = append(*bundle, other.PEM()...)
	if _, err := configurations.Update(e.t.Context(), configuration, metav1.UpdateOptions{}); err != nil {
		e.t.Fatal(err)
	}
}

// createUntil creates pods, one after the other.
func (e *environment) createUntil(stop <-chan struct{}) error {
	var failed []error
	for {
		select {
		case <-stop:
			return errors.Join(failed...)
		default:
		}
		if _, err := e.create(e.controller, targetPod()); err != nil {
			failed = append(failed, err)
		}
	}
}

// certificateSerial is the serial number of the certificate that a new connection gets.
func (e *environment) certificateSerial() string {
	e.t.Helper()
	certificate, err := e.injector.ServedCertificate(e.t.Context())
	if err != nil {
		e.t.Fatal(err)
	}
	return certificate.SerialNumber.String()
}

func eventually(t *testing.T, what string, check func() bool) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(30 * time.Second); !check(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
