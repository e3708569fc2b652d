package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// RestartEtcd kills etcd, as a crash does, starts it again with its data and its ports, and returns when the API server, which keeps
// running, answers from it again. Done stays open and Err nil. Only one goroutine may restart anything at a time, and none while Stop runs.
func (c *Cluster) RestartEtcd(ctx context.Context) error {
	err := c.restart(ctx, etcd, c.probeEtcd)
	if err == nil {
		err = c.Eventually(ctx, "the API server to read from it", c.probeStorage)
	}
	if err != nil {
		return fmt.Errorf("failed to restart etcd: %w", err)
	}
	return nil
}

// RestartAPIServer kills the API server, as a crash does, starts it again on its port, and returns when it is ready again. Done stays open
// and Err nil. Only one goroutine may restart anything at a time, and none while Stop runs.
func (c *Cluster) RestartAPIServer(ctx context.Context) error {
	client, err := rest.HTTPClientFor(c.adminConfig(""))
	if err == nil {
		defer client.CloseIdleConnections()
		err = c.restart(ctx, apiServer, func(ctx context.Context) error { return probe(ctx, client, c.endpoints.apiServer+"/readyz") })
	}
	if err != nil {
		return fmt.Errorf("failed to restart the API server: %w", err)
	}
	return nil
}

// restart returns when the probe succeeds.
func (c *Cluster) restart(ctx context.Context, name string, probe func(context.Context) error) error {
	at := slices.IndexFunc(c.components, func(one *component) bool { return one.name == name && !one.ended() })
	if at < 0 {
		return errors.New("it does not run: Err says why")
	}
	old := c.components[at]
	if err := old.retire(); err != nil {
		return err
	}
	started, err := c.launch(name, old.arguments...)
	if err != nil {
		return err
	}
	// In its old place, so Stop ends etcd after the API server, which would otherwise wait for it in vain.
	c.components[at] = started
	c.components = c.components[:len(c.components)-1]
	c.watch(started)
	return c.await(ctx, started, probe)
}

// probeStorage succeeds if the API server reads from etcd. Unlike a list, a read by name is never answered from its cache.
func (c *Cluster) probeStorage(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	_, err := c.client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	return err
}

// retire kills the component without reporting its death.
func (s *component) retire() error {
	s.retired.Store(true)
	running, err := os.FindProcess(s.process.ID())
	if err == nil {
		err = running.Kill()
	}
	if err != nil {
		return fmt.Errorf("failed to kill it: %w", err)
	}
	<-s.process.Done()
	return nil
}

func (s *component) ended() bool {
	select {
	case <-s.process.Done():
		return true
	default:
		return false
	}
}
