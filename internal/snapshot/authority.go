package snapshot

import (
	"context"
	"fmt"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// InjectCA is the annotation by which cert-manager's cainjector fills in a caBundle:
// https://cert-manager.io/docs/concepts/ca-injector/
const InjectCA = "cert-manager.io/inject-ca-from"

// Authority is what cert-manager has in the namespace of the webhook's certificate.
type Authority struct {
	// Namespace and Name of the webhook's Certificate.
	Namespace, Name string
	Certificates    Read[[]cmapi.Certificate]
	Issuers         Read[[]cmapi.Issuer]
	// ClusterIssuers are read only if a Certificate names one.
	ClusterIssuers Read[[]cmapi.ClusterIssuer]
}

// readAuthority goes by the annotation: its author wants cert-manager's certificate.
func (r *Reader) readAuthority(ctx context.Context, in *Installation) {
	namespace, name, found := strings.Cut(in.Injector.Webhook.Configuration.Annotations[InjectCA], "/")
	if !found {
		return
	}
	in.Authority = &Authority{Namespace: namespace, Name: name}
	a := in.Authority
	a.Certificates.Value, a.Certificates.Err = listOf[cmapi.Certificate](ctx, r, "certificates", namespace)
	a.Issuers.Value, a.Issuers.Err = listOf[cmapi.Issuer](ctx, r, "issuers", namespace)
	for n := range a.Certificates.Value {
		if a.Certificates.Value[n].Spec.IssuerRef.Kind == cmapi.ClusterIssuerKind {
			a.ClusterIssuers.Value, a.ClusterIssuers.Err = listOf[cmapi.ClusterIssuer](ctx, r, "clusterissuers", metav1.NamespaceAll)
			return
		}
	}
}

// listOf reads objects of cert-manager: its types with the client that is there already, because its own would bring more than it saves.
func listOf[T any](ctx context.Context, r *Reader, resource, namespace string) ([]T, error) {
	list, err := r.dynamic.Resource(cmapi.SchemeGroupVersion.WithResource(resource)).Namespace(namespace).List(ctx, metav1.ListOptions{Limit: MaxPods})
	if err != nil {
		return nil, err //nolint:wrapcheck //nolint:wrapcheck // whatever shows it says what was read
	}
	all := make([]T, len(list.Items))
	for n := range list.Items {
		if err := convert(&list.Items[n], &all[n]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func convert(object *unstructured.Unstructured, into any) error {
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, into); err != nil {
		return fmt.Errorf("failed to read %s %s: %w", object.GetKind(), object.GetName(), err)
	}
	return nil
}

// Issuer finds an issuer of cert-manager's own kinds; nil if it does not exist. unseen says why that is not known.
func (a *Authority) Issuer(kind, name string) (found cmapi.GenericIssuer, unseen string) {
	if kind == cmapi.ClusterIssuerKind {
		for n := range a.ClusterIssuers.Value {
			if a.ClusterIssuers.Value[n].Name == name {
				return &a.ClusterIssuers.Value[n], ""
			}
		}
		return nil, a.ClusterIssuers.Unseen()
	}
	for n := range a.Issuers.Value {
		if a.Issuers.Value[n].Name == name {
			return &a.Issuers.Value[n], ""
		}
	}
	return nil, a.Issuers.Unseen()
}
