package snapshot

import (
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

// ReleaseOf is the release of an object in the release's namespace. An unknown value is a word in capital letters.
func ReleaseOf(object *metav1.ObjectMeta) Release {
	return Release{orElse(object.Labels[InstanceLabel], "RELEASE"), orElse(object.Namespace, "NAMESPACE")}
}

// Release that the injector belongs to.
func (i *Injector) Release() Release {
	return ReleaseOf(&metav1.ObjectMeta{Labels: i.Webhook.Configuration.Labels, Namespace: i.Namespace()})
}

// Restore is the command that applies again what Helm has installed, as Helm does: a field of another manager would be a conflict in the
// next upgrade.
func (r Release) Restore() string {
	return fmt.Sprintf("helm get manifest %s --namespace %s | kubectl apply --server-side --force-conflicts --field-manager helm -f -", r.Name, r.Namespace)
}

// Upgrade is the command that changes values, given as key=value, and keeps the others that the user has set. Values that were not set come
// from the new chart: --reuse-values would leave out the keys that it adds (https://helm.sh/docs/helm/helm_upgrade).
func (r Release) Upgrade(values ...string) string {
	command := fmt.Sprintf("helm upgrade %s CHART --namespace %s --reset-then-reuse-values", r.Name, r.Namespace)
	if len(values) > 0 {
		command += " --set " + strings.Join(values, ",")
	}
	return command
}

// Elsewhere says which namespaces the releases look after, for a user who has asked about another.
func Elsewhere(releases map[string]Release) string {
	var facts, flags []string
	for _, namespace := range slices.Sorted(maps.Keys(releases)) {
		release := releases[namespace]
		facts = append(facts, fmt.Sprintf("release %s in namespace %s looks after namespace %s", release.Name, release.Namespace, namespace))
		flags = append(flags, "--namespace "+namespace)
	}
	return fmt.Sprintf("%s: did you mean %s?", strings.Join(facts, ", "), strings.Join(flags, " or "))
}

func orElse(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}
