package snapshot

import (
	"fmt"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Right is a right that RBAC grants.
type Right struct {
	Verbs []string
	// Resource, with its subresource after a slash, and the Group of its API.
	Resource, Group string
	// Namespace is empty for resources of the cluster.
	Namespace string
}

func (r *Right) String() string {
	resource := r.Resource
	if r.Group != "" {
		resource += "." + r.Group
	}
	scope := "in the cluster"
	if r.Namespace != "" {
		scope = "in namespace " + r.Namespace
	}
	return fmt.Sprintf("%s %s %s", strings.Join(r.Verbs, " and "), resource, scope)
}

// Missing are the rights without which something was not read.
func (in *Installation) Missing() []Right {
	namespace := in.Subject.Namespace
	lacks := rightsLacked{}
	admission := admissionregistrationv1.GroupName
	lacks.reading(in.Webhooks.Err, "mutatingwebhookconfigurations", admission, "")
	lacks.reading(in.Policies.Err, "validatingadmissionpolicies", admission, "")
	lacks.reading(in.Bindings.Err, "validatingadmissionpolicybindings", admission, "")
	lacks.reading(in.Namespace.Err, "namespaces", "", "")
	in.missingOfRelease(&lacks)
	if kind := in.Kind; kind != nil {
		lacks.reading(in.Workload.Err, kind.Resource.Resource, kind.Resource.Group, namespace)
	}
	lacks.reading(in.Live.Err, "pods", "", namespace)
	lacks.reading(in.Pods.Err, "pods", "", namespace)
	lacks.add(in.Trial.Err, Right{[]string{"create"}, "pods", "", namespace})
	lacks.reading(in.Claims.Err, "persistentvolumeclaims", "", namespace)
	lacks.reading(in.Classes.Err, "storageclasses", "storage.k8s.io", "")
	lacks.reading(in.Quotas.Err, "resourcequotas", "", namespace)
	lacks.reading(in.Ranges.Err, "limitranges", "", namespace)
	lacks.reading(in.Networks.Err, "networkpolicies", networkingv1.GroupName, namespace)
	in.missingOfPCP(&lacks)
	return lacks
}

func (in *Installation) missingOfRelease(lacks *rightsLacked) {
	if in.Injector == nil {
		return
	}
	release := in.Injector.Namespace()
	lacks.reading(in.Injector.Service.Err, "services", "", release)
	lacks.reading(in.Injector.Endpoints.Err, "endpointslices", "discovery.k8s.io", release)
	lacks.reading(in.Injector.Deployments.Err, "deployments", "apps", release)
	lacks.reading(in.Injector.Config.Err, "configmaps", "", release)
	lacks.reading(in.Budgets.Err, "poddisruptionbudgets", "policy", release)
	if in.Authority != nil {
		group := cmapi.SchemeGroupVersion.Group
		lacks.reading(in.Authority.Certificates.Err, "certificates", group, in.Authority.Namespace)
		lacks.reading(in.Authority.Issuers.Err, "issuers", group, in.Authority.Namespace)
		lacks.reading(in.Authority.ClusterIssuers.Err, "clusterissuers", group, "")
	}
}

type rightsLacked []Right

func (l *rightsLacked) reading(err error, resource, group, namespace string) {
	l.add(err, Right{[]string{"get", "list"}, resource, group, namespace})
}

func (l *rightsLacked) add(err error, right Right) {
	if !apierrors.IsForbidden(err) {
		return
	}
	for n := range *l {
		if have := &(*l)[n]; have.Resource == right.Resource && have.Group == right.Group && have.Namespace == right.Namespace && have.Verbs[0] == right.Verbs[0] {
			return
		}
	}
	*l = append(*l, right)
}
