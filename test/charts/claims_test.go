package charts_test

import (
	"fmt"
	"testing"
)

// claim is one as a user would write it, in which more is set.
const claim = `{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: %s}, spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}, %s}}`

// TestClaimsStay: an editor does not choose the volume of PCP's archives, neither by another claim of the same name nor by an unbound one,
// and does not delete them. Controllers bind and release claims.
func TestClaimsStay(t *testing.T) {
	t.Parallel()
	r, pod := started(t, "helm", "config.persistence.pmproxy.type=EmptyDir")
	const object, denied = "persistentvolumeclaim/pcp-pmlogger", `PCP keeps its archives in the PersistentVolumeClaim "pcp-pmlogger", and user "alice" may not `
	r.requireStays(object, denied)
	r.requireAttempts(
		r.attempted("size", "patch", object, "--type=merge", `--patch={"metadata":{"annotations":{"a":"b"}}}`).as("alice"),
		r.makesClaim("another", "volumeName: mine").as("alice"),
	)
	mustKubectl(t, "", "scale", "deployment/node-monitor", "--replicas=0", "--namespace", r.target)
	mustKubectl(t, "", "wait", "--for=delete", "pod/"+pod.Name, "--namespace", r.target, "--timeout=60s")
	mustKubectl(t, "", "delete", object, "--as", "bob", "--namespace", r.target)
	r.requireAttempts(
		r.makesClaim("pcp-pmlogger", "volumeName: mine").as("alice").isDenied(denied+"create it: "+lacks("configure")),
		r.makesClaim("pcp-pmlogger", "volumeName: mine").as("bob"),
	)
	r.requireUnbound(object, denied)
}

// makesClaim is an attempt to create a claim.
func (r *release) makesClaim(name, spec string) attempt {
	return attempt{name: "claim " + name, input: fmt.Sprintf(claim, name, spec), arguments: []string{"create", "--namespace", r.target, "-f", "-"}}
}

// requireUnbound makes the claim anew, first one that no volume fits: an editor cannot choose its volume in the meantime.
func (r *release) requireUnbound(object, denied string) {
	r.t.Helper()
	r.makeClaim("volumeMode: Block")
	volume := r.attempted("its volume", "patch", object, "--type=merge", `--patch={"spec":{"volumeName":"mine"}}`)
	r.requireAttempts(volume.as("alice").isDenied(denied+"update it: "+lacks("configure")), volume.as("bob"))
	mustKubectl(r.t, "", "delete", object, "--as", "bob", "--namespace", r.target)
	r.makeClaim("")
	mustKubectl(r.t, "", "wait", "--for=jsonpath={.status.phase}=Bound", object, "--namespace", r.target, "--timeout=60s")
	mustKubectl(r.t, "", "scale", "deployment/node-monitor", "--replicas=1", "--namespace", r.target)
	r.pod("node-monitor", injected)
}

func (r *release) makeClaim(spec string) {
	r.t.Helper()
	made := r.makesClaim("pcp-pmlogger", spec)
	mustKubectl(r.t, made.input, append(made.arguments, "--as", "bob")...)
}
