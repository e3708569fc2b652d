package integration_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// TestWebhookDown: pods that ask are rejected rather than created without PCP, and nobody else notices.
func TestWebhookDown(t *testing.T) {
	t.Parallel()
	e := start(t, "")
	e.injector.Kill()
	_, err := e.create(e.controller, designatedPod())
	if err == nil || !strings.Contains(err.Error(), "failed calling webhook") {
		t.Errorf("the user sees %v", err)
	}
	for _, pod := range []*corev1.Pod{plainPod(), designatedPod(annotate("pcp.io/inject", "false"))} {
		if _, err := e.create(e.controller, pod); err != nil {
			t.Errorf("a pod that did not ask: %v", err)
		}
	}
	other := e.namespace + "-other"
	if err := plane.CreateNamespace(t.Context(), other, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := e.controller.CoreV1().Pods(other).Create(t.Context(), designatedPod(), dryRun); err != nil {
		t.Errorf("a pod in a namespace that has not opted in: %v", err)
	}
}

// TestCertificateIsReplaced while admissions run: none fails, and the new certificate is served.
func TestCertificateIsReplaced(t *testing.T) {
	t.Parallel()
	const rotations, workers = 5, 4
	e := start(t, "")
	first := e.certificateSerial()
	stop := make(chan struct{})
	failures := make(chan error, workers)
	var group sync.WaitGroup
	for range workers {
		group.Go(func() { failures <- e.createUntil(stop) })
	}
	last := first
	for range rotations {
		if err := e.injector.RotateCertificate(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the new certificate to be served", func() bool { return e.certificateSerial() != last })
		last = e.certificateSerial()
	}
	close(stop)
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			t.Errorf("an admission failed: %v", err)
		}
	}
	if e.count("Injected") < workers {
		t.Errorf("only %d admissions ran meanwhile", e.count("Injected"))
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
		if _, err := e.create(e.controller, designatedPod()); err != nil {
			failed = append(failed, err)
		}
	}
}

// certificateSerial is that of the certificate that a new connection gets.
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
