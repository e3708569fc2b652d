package snapshot

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// A target of a custom kind: the configuration has no more than the name of the kind.

var (
	// ErrNoKind is that the cluster has no API with a kind of that name.
	ErrNoKind = errors.New("the cluster knows no such kind")
	// ErrNoTemplate is that the object has no pod template where its kind should have it. For a custom kind, that is spec.template.
	ErrNoTemplate = errors.New("it has no pod template")
)

// customKinds finds the kinds of that name. Several groups may have one.
func (r *Reader) customKinds(ctx context.Context, name string) ([]Kind, error) {
	// An API whose server is down is an error beside the other APIs.
	lists, err := discovery.ToServerResourcesInterfaceWithContext(r.client.Discovery()).ServerPreferredResourcesWithContext(ctx)
	var found []Kind
	for _, list := range lists {
		at := slices.IndexFunc(list.APIResources, func(resource metav1.APIResource) bool {
			return resource.Kind == name && resource.Namespaced && !strings.Contains(resource.Name, "/")
		})
		group, parseErr := schema.ParseGroupVersion(list.GroupVersion)
		if at < 0 || parseErr != nil {
			continue
		}
		resource := group.WithResource(list.APIResources[at].Name)
		found = append(found, Kind{name, resource, []string{resource.GroupResource().String()}})
	}
	switch {
	case len(found) > 0:
		return found, nil
	case err != nil:
		return nil, fmt.Errorf("failed to find the kind %s: %w", name, err)
	}
	return nil, ErrNoKind
}

// findTarget reads the target, of whichever kind. The kind is nil where it is not known.
func (r *Reader) findTarget(ctx context.Context, in *Installation) (*Kind, *Subject, error) {
	namespace, name := in.Subject.Namespace, in.Target.Name
	if kind := Named(in.Target.Kind); kind != nil {
		subject, err := r.FindSubject(ctx, kind, namespace, name)
		return kind, subject, err
	}
	kinds, err := r.customKinds(ctx, string(in.Target.Kind))
	if err != nil {
		return nil, nil, err
	}
	return r.findAmong(ctx, kinds, namespace, name)
}

// findAmong reads the object of the one kind that has it.
func (r *Reader) findAmong(ctx context.Context, kinds []Kind, namespace, name string) (kind *Kind, subject *Subject, err error) {
	for n := range kinds {
		found, readErr := r.FindSubject(ctx, &kinds[n], namespace, name)
		switch {
		case apierrors.IsNotFound(readErr) && kind != nil:
		case kind == nil || apierrors.IsNotFound(err):
			kind, subject, err = &kinds[n], found, readErr
		default:
			return nil, nil, fmt.Errorf("it may be of %s or of %s: the configuration does not name the group", kind.Names[0], kinds[n].Names[0])
		}
	}
	return kind, subject, err
}
