package charts_test

import (
	"context"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// TestAdoption: nobody but controllers makes a controller let go of a pod with PCP, so that it would start a second one, nor leaves
// such pods behind.
func TestAdoption(t *testing.T) {
	t.Parallel()
	r, pod := started(t, "helm")
	replicaSet := r.replicaSet()
	mustKubectl(t, `{apiVersion: apps/v1, kind: ReplicaSet, metadata: {name: without}, spec: {replicas: 0, selector: {matchLabels: {app: without}},
 template: {metadata: {labels: {app: without}}, spec: {containers: [{name: app, image: app}]}}}}`, "create", "--namespace", r.target, "-f", "-")
	const owner = `{"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"b"}`
	const tied = `metadata: Forbidden: labels, ownerReferences and the selector tie a pod with PCP to its workload, and user "alice" may not change them: `
	for _, object := range []string{"pod/" + pod.Name, "replicaset/" + replicaSet} {
		for _, change := range []attempt{
			r.attempted("another label of "+object, "label", object, "app=x", "--overwrite"),
			r.attempted("a label more for "+object, "label", object, "team=a"),
			r.attempted("a label less for "+object, "label", object, "pod-template-hash-"),
			r.attempted("another owner of "+object, "patch", object, "--type=json", `--patch=[{"op":"add","path":"/metadata/ownerReferences/-","value":`+owner+`}]`),
		} {
			r.requireAttempts(change.as("alice").isDenied(tied), change.as("bob"))
		}
		r.requireAttempts(
			r.attempted("no owner of "+object, "patch", object, "--type=merge", `--patch={"metadata":{"ownerReferences":null}}`).as("alice").isDenied(tied),
			r.attempted("annotation of "+object, "annotate", object, "team=a").as("alice"),
		)
	}
	r.requireAttempts(
		r.attempted("label of another ReplicaSet", "label", "replicaset/without", "team=a").as("alice"),
		r.attempted("label of the Deployment", "label", "deployment/node-monitor", "team=a").as("alice"),
	)
	r.requireStatusTied(pod, tied)
	r.requireWildcard("label", "pod", pod.Name, "team=a")
	r.requireNotOrphaned(replicaSet)
}

// requireWildcard: who may do everything in an API group has each verb of the guard.
func (r *release) requireWildcard(arguments ...string) {
	r.t.Helper()
	for user, rules := range map[string]string{
		"carol": `{apiGroups: [pcp.io], resources: ["*"], verbs: ["*"]}, {apiGroups: [""], resources: [pods], verbs: [get, patch]}`,
		"dave":  `{apiGroups: ["*"], resources: ["*"], verbs: ["*"]}`,
	} {
		r.allowTo(rules, user)
		r.requireAttempts(r.attempted("all verbs of "+user, arguments...).as(user))
	}
}

// requireStatusTied: labels can also be written with the status.
func (r *release) requireStatusTied(pod *corev1.Pod, message string) {
	r.t.Helper()
	pods := r.clientOf("alice").CoreV1().Pods(r.target)
	r.requireAttempts(attempt{name: "labels with the status", call: func(ctx context.Context) error {
		found, err := pods.Get(ctx, pod.Name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		found.Labels["app"] = "x"
		_, err = pods.UpdateStatus(ctx, found, metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}})
		return err
	}}.isDenied(message))
}

// requireNotOrphaned: a deletion leaves the pods if the request says so, or a finalizer.
func (r *release) requireNotOrphaned(replicaSet string) {
	r.t.Helper()
	const left = `, and user "alice" may not orphan them: delete it with its pods (--cascade=background); otherwise `
	for _, object := range []string{"deployment/node-monitor", "replicaset/" + replicaSet} {
		for _, orphaning := range []attempt{
			r.attempted("deletion without the pods of "+object, "delete", object, "--cascade=orphan"),
			r.attempted("finalizer of "+object, "patch", object, "--type=merge", `--patch={"metadata":{"finalizers":["orphan"]}}`),
		} {
			r.requireAttempts(orphaning.as("alice").isDenied(left+lacks("configure")), orphaning.as("bob"))
		}
		r.requireAttempts(
			r.attempted("deletion of "+object, "delete", object).as("alice"),
			r.attempted("deletion in the foreground of "+object, "delete", object, "--cascade=foreground", "--wait=false").as("alice"),
			r.attempted("another finalizer of "+object, "patch", object, "--type=merge", `--patch={"metadata":{"finalizers":["example.com/x"]}}`).as("alice"),
		)
	}
	mustKubectl(r.t, "", "patch", "deployment/node-monitor", "--namespace", r.target, "--type=merge", `--patch={"metadata":{"finalizers":["orphan"]}}`)
	deployments := r.clientOf("alice").AppsV1().Deployments(r.target)
	r.requireAttempts(attempt{name: "deletion with the finalizer", call: func(ctx context.Context) error {
		return deployments.Delete(ctx, "node-monitor", metav1.DeleteOptions{DryRun: []string{metav1.DryRunAll}})
	}}.isDenied(left))
}
