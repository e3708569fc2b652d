package charts_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// revisioned is the target StatefulSet in a canary rollout: its one pod is made out of the ControllerRevision before.
const revisioned = `{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: node-monitor}, spec: {
 selector: {matchLabels: {app: node-monitor}}, updateStrategy: {rollingUpdate: {partition: 1}},
 template: {metadata: {labels: {app: node-monitor}, annotations: {pcp.io/inject: "true"}}, spec: {containers: [{name: app, image: %s}]}}}}`

// TestForgedRevision: anyone who may delete and create ControllerRevisions could change the template of a StatefulSet with a partition.
func TestForgedRevision(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=None", "config.target.kind=StatefulSet",
		"config.persistence.pmlogger.type=HostPath,config.persistence.pmproxy.type=EmptyDir")
	r.install()
	r.serve()
	r.awaitTrust()
	r.allow("mallory", `[{apiGroups: [apps], resources: [controllerrevisions], verbs: [get, list, create, delete]}]`)
	r.allow("alice", `[{apiGroups: [apps], resources: [controllerrevisions, statefulsets], verbs: ["*"]}]`)
	mustKubectl(t, fmt.Sprintf(revisioned, "app:v1"), "apply", "--namespace", r.target, "-f", "-")
	r.pod("node-monitor", injected)
	mustKubectl(t, fmt.Sprintf(revisioned, "app:v2"), "apply", "--namespace", r.target, "-f", "-")

	forged := r.currentRevision("app:v1")
	name := forged.Name
	forged.TypeMeta = metav1.TypeMeta{APIVersion: "apps/v1", Kind: "ControllerRevision"}
	forged.ObjectMeta = metav1.ObjectMeta{Name: name, Labels: forged.Labels, OwnerReferences: forged.OwnerReferences}
	forged.Data.Raw = []byte(strings.ReplaceAll(string(forged.Data.Raw), "app:v1", "evil:v1"))
	mustKubectl(t, "", "delete", "controllerrevision", name, "--namespace", r.target, "--as", "mallory")
	create := attempt{name: "forged-revision", input: manifest(t, forged), arguments: []string{"create", "--namespace", r.target, "-f", "-"}}
	const denied = "controllerrevisions: pods of StatefulSet node-monitor"
	r.requireAttempts(create.isDenied(denied).as("mallory"), create.as("alice"))
	if said := kubectl(t, create.input, append(create.arguments, "--as", "mallory")...); said.err == nil {
		t.Error("the revision was created")
	}
	r.replacePod()
	r.pod("node-monitor", func(pod *corev1.Pod) error {
		if image := pod.Spec.Containers[0].Image; image != "app:v2" {
			return fmt.Errorf("its image is %s, want app:v2: of the revision before nothing is left", image)
		}
		return injected(pod)
	})
}

// TestAdoptedRevision: a controller finds its ControllerRevisions by labels and owners, so an editor of another workload's could pass one of
// those off as the target's. The garbage collector and the controllers still orphan and adopt them.
func TestAdoptedRevision(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "certificates.mode=helm", "guard.warnings.scope=None", "config.target.kind=StatefulSet",
		"config.persistence.pmlogger.type=HostPath,config.persistence.pmproxy.type=EmptyDir")
	r.install()
	r.serve()
	r.awaitTrust()
	r.allow("mallory", `[{apiGroups: [apps], resources: [controllerrevisions], verbs: ["*"]}]`)
	r.allow("alice", `[{apiGroups: [apps], resources: [controllerrevisions, statefulsets], verbs: ["*"]}]`)
	mustKubectl(t, fmt.Sprintf(revisioned, "app:v1"), "apply", "--namespace", r.target, "-f", "-")
	r.pod("node-monitor", injected)
	name := r.revisionWithOwners(1).Name
	const denied = "controllerrevisions: pods of StatefulSet node-monitor"
	for what, patch := range map[string]string{
		"labels":   `{"metadata":{"labels":{"app":"other"}}}`,
		"owners":   `{"metadata":{"ownerReferences":[]}}`,
		"revision": `{"revision":99}`,
	} {
		change := r.attempted(what, "patch", "controllerrevision", name, "--type=merge", "--patch="+patch)
		r.requireAttempts(change.as("mallory").isDenied(denied), change.as("alice"))
	}
	r.requireAttempts(r.attempted("annotation", "annotate", "controllerrevision", name, "a=b").as("mallory"))
	mustKubectl(t, "", "delete", "statefulset/node-monitor", "--cascade=orphan", "--namespace", r.target)
	r.revisionWithOwners(0)
	mustKubectl(t, fmt.Sprintf(revisioned, "app:v1"), "apply", "--namespace", r.target, "-f", "-")
	r.revisionWithOwners(1)
}

// revisionWithOwners is the only one of the namespace, once it has so many owners.
func (r *release) revisionWithOwners(owners int) (revision *appsv1.ControllerRevision) {
	r.t.Helper()
	r.eventually("the revision", func(ctx context.Context) error {
		list, err := plane.Client().AppsV1().ControllerRevisions(r.target).List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		if len(list.Items) != 1 || len(list.Items[0].OwnerReferences) != owners {
			return fmt.Errorf("there are %d revisions: %+v, want one with %d owners", len(list.Items), list.Items, owners)
		}
		revision = &list.Items[0]
		return nil
	})
	return revision
}

// currentRevision is what the StatefulSet's pod is made from, once it differs from the template.
func (r *release) currentRevision(image string) *appsv1.ControllerRevision {
	r.t.Helper()
	var revision *appsv1.ControllerRevision
	r.eventually("the revision before", func(ctx context.Context) error {
		set, err := plane.Client().AppsV1().StatefulSets(r.target).Get(ctx, "node-monitor", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if set.Status.CurrentRevision == set.Status.UpdateRevision {
			return fmt.Errorf("both revisions are %s", set.Status.CurrentRevision)
		}
		revision, err = plane.Client().AppsV1().ControllerRevisions(r.target).Get(ctx, set.Status.CurrentRevision, metav1.GetOptions{})
		if err == nil && !strings.Contains(string(revision.Data.Raw), image) {
			err = fmt.Errorf("%s is not in %s", image, revision.Data.Raw)
		}
		return err
	})
	return revision
}

// allow lets a user do what the rules say in the target's namespace.
func (r *release) allow(user, rules string) {
	r.t.Helper()
	mustKubectl(r.t, fmt.Sprintf(`
{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: %[1]s}, rules: %[2]s}
---
{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: %[1]s}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %[1]s},
 subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: %[1]s}]}
`, user, rules), "apply", "--namespace", r.target, "-f", "-")
}
