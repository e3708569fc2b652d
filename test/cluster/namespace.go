package cluster

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The label with which a namespace opts in to injection.
const (
	injectionLabel   = "pcp.io/injection"
	injectionEnabled = "enabled"
)

// CreateNamespace creates a namespace in which Pods can be created at once: it returns when there is a default ServiceAccount, which the
// ServiceAccount admission plugin requires. On the plain plane, no controller creates it, so this does, and a namespace cannot be deleted.
// It is an error if the namespace exists.
func (c *Cluster) CreateNamespace(ctx context.Context, name string, labels map[string]string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels}}
	if _, err := c.client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("failed to create the namespace %q: %w", name, err)
	}
	if c.options.Full {
		return c.waitForServiceAccount(ctx, name)
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "default"}}
	if _, err := c.client.CoreV1().ServiceAccounts(name).Create(ctx, account, metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("failed to create the default ServiceAccount of %q: %w", name, err)
	}
	return nil
}

// CreateInjectionNamespace creates a namespace that has opted in to injection.
func (c *Cluster) CreateInjectionNamespace(ctx context.Context, name string) error {
	return c.CreateNamespace(ctx, name, map[string]string{injectionLabel: injectionEnabled})
}

func (c *Cluster) waitForServiceAccount(ctx context.Context, namespace string) error {
	return c.Eventually(ctx, fmt.Sprintf("the default ServiceAccount of %q", namespace), func(ctx context.Context) error {
		if _, err := c.client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return fmt.Errorf("failed to read it: %w", err)
		}
		return nil
	})
}

// Eventually repeats the check until it succeeds, until the context's deadline, or for 5 minutes if there is none. It ends early, with an
// error, when a component dies.
func (c *Cluster) Eventually(ctx context.Context, what string, check func(context.Context) error) error {
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, readyTimeout)
		defer cancel()
	}
	for {
		checked := time.Now()
		err := check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-c.Done():
			return fmt.Errorf("waited for %s in vain: %w", what, c.Err())
		case <-ctx.Done():
			return fmt.Errorf("waited for %s in vain: %w: at last: %w", what, ctx.Err(), err)
		// A check that runs a program would keep the processors from what it waits for.
		case <-time.After(max(probeInterval, 2*time.Since(checked))):
		}
	}
}
