package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RestartEtcd kills etcd, as a crash does, starts it again with its data and its ports, and returns when the API server, which stays up
// meanwhile, answers from it again. Done stays open and Err nil. Only one goroutine may call it at a time, and none while Stop runs.
func (c *Cluster) RestartEtcd(ctx context.Context) error {
	if err := c.restartEtcd(ctx); err != nil {
		return fmt.Errorf("failed to restart etcd: %w", err)
	}
	return nil
}

func (c *Cluster) restartEtcd(ctx context.Context) error {
	at := slices.IndexFunc(c.components, func(one *component) bool { return one.name == etcd && !one.ended() })
	if at < 0 {
		return errors.New("it does not run: Err tells why")
	}
	old := c.components[at]
	if err := old.retire(); err != nil {
		return err
	}
	started, err := c.launch(etcd, old.arguments...)
	if err != nil {
		return err
	}
	// In its old place, so that Stop ends it after the API server, which waits for it in vain otherwise.
	c.components[at] = started
	c.components = c.components[:len(c.components)-1]
	c.watch(started)
	if err := c.await(ctx, started, c.probeEtcd); err != nil {
		return err
	}
	return c.await(ctx, started, c.probeStorage)
}

// probeStorage succeeds if the API server reads from etcd: unlike a list, a read by name is never answered from its cache.
func (c *Cluster) probeStorage(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	_, err := c.client.CoreV1().Namespaces().Get(ctx, metav1.NamespaceSystem, metav1.GetOptions{})
	return err
}

// retire kills the component, and keeps its death from being reported.
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
