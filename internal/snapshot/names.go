package snapshot

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NamespaceNames are the namespaces of the cluster.
func (r *Reader) NamespaceNames(ctx context.Context) ([]string, error) {
	list, err := r.client.CoreV1().Namespaces().List(ctx, metav1.ListOptions{Limit: MaxPods})
	if err != nil {
		return nil, fmt.Errorf("failed to list namespaces: %w", err)
	}
	names := make([]string, len(list.Items))
	for n := range list.Items {
		names[n] = list.Items[n].Name
	}
	return names, nil
}
