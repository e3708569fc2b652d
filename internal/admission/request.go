package admission

import (
	"fmt"
	"slices"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/predicates/rules"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

// Request is the creation of an object, as the API server would get it.
type Request struct {
	// Object to create, in the version of the resource.
	Object *unstructured.Unstructured
	// Resource of the object, e.g. v1 pods.
	Resource schema.GroupVersionResource
	// Namespace of the object.
	Namespace *corev1.Namespace
	// User who creates it.
	User user.Info
	// Rights answers what users may do.
	Rights authorizer.UnconditionalAuthorizer
}

func (r *Request) attributes() *admission.VersionedAttributes {
	kind := r.Object.GroupVersionKind()
	record := admission.NewAttributesRecord(r.Object, nil, kind, r.Namespace.Name, r.Object.GetName(), r.Resource, "",
		admission.Create, &metav1.CreateOptions{}, false, r.User)
	return &admission.VersionedAttributes{
		Attributes: record, VersionedKind: kind, VersionedObject: admission.NewLazyObject(r.Object),
	}
}

// matchesRules reports whether one of the rules covers the request.
func matchesRules(all []admissionregistrationv1.RuleWithOperations, attributes admission.Attributes) bool {
	return slices.ContainsFunc(all, func(rule admissionregistrationv1.RuleWithOperations) bool {
		matcher := rules.Matcher{Rule: rule, Attr: attributes}
		return matcher.Matches()
	})
}

// selects reports whether the selector covers the labels. An absent selector covers all.
func selects(selector *metav1.LabelSelector, given map[string]string) (bool, error) {
	if selector == nil {
		return true, nil
	}
	parsed, err := metav1.LabelSelectorAsSelector(selector)
	if err != nil {
		return false, fmt.Errorf("failed to read the selector %s: %w", metav1.FormatLabelSelector(selector), err)
	}
	return parsed.Matches(labels.Set(given)), nil
}
