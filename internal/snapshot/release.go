package snapshot

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// InstanceLabel has the name of the release that an object belongs to.
const InstanceLabel = "app.kubernetes.io/instance"

// Release is a release of Helm.
type Release struct {
	Name, Namespace string
}

// ReleaseOf is the release of an object in the release's namespace. What is unknown is empty.
func ReleaseOf(object *metav1.ObjectMeta) Release {
	return Release{object.Labels[InstanceLabel], object.Namespace}
}

// String names the release, for people.
func (r *Release) String() string {
	return fmt.Sprintf("release %s in namespace %s", cmp.Or(r.Name, "of unknown name"), cmp.Or(r.Namespace, "of unknown name"))
}

// Release that the injector belongs to.
func (i *Injector) Release() Release {
	return ReleaseOf(&metav1.ObjectMeta{Labels: i.Webhook.Configuration.Labels, Namespace: i.Namespace()})
}

// Elsewhere says which namespaces the releases look after, for a user who has asked about another.
func Elsewhere(releases map[string]Release) string {
	var facts, flags []string
	for _, namespace := range slices.Sorted(maps.Keys(releases)) {
		release := releases[namespace]
		facts = append(facts, fmt.Sprintf("%s looks after namespace %s", &release, namespace))
		flags = append(flags, "--namespace "+namespace)
	}
	return fmt.Sprintf("%s: did you mean %s?", strings.Join(facts, ", "), strings.Join(flags, " or "))
}
