package charts_test

import (
	"testing"
)

// files are the values for the files and variables that PCP reads from objects with the names.
func filesOf(configMap, secret string) []string {
	return []string{
		"config.container.files[0].path=/etc/pcp/nginx/nginx.conf", "config.container.files[0].configMap=" + configMap,
		"config.container.files[1].path=/etc/pcp/postgresql/pmdapostgresql.conf", "config.container.files[1].secret=" + secret,
		"config.openMetrics.configMapName=" + configMap + "-sources", "config.openMetrics.secretName=" + secret + "-tokens",
		"config.container.env[0].name=A", "config.container.env[0].valueFrom.configMapKeyRef.name=" + configMap + "-env",
		"config.container.env[0].valueFrom.configMapKeyRef.key=a", "config.container.env[0].valueFrom.configMapKeyRef.optional=true",
		"config.container.env[1].name=B", "config.container.env[1].valueFrom.secretKeyRef.name=" + secret + "-env",
		"config.container.env[1].valueFrom.secretKeyRef.key=a", "config.container.env[1].valueFrom.secretKeyRef.optional=true",
	}
}

// creates are attempts to create what PCP reads.
func (r *release) creates(configMap, secret string) (attempts []attempt) {
	r.t.Helper()
	for _, suffix := range []string{"", "-sources", "-env"} {
		attempts = append(attempts, r.attempted("ConfigMap "+configMap+suffix, "create", "configmap", configMap+suffix, "--from-literal=a=b"))
	}
	for _, suffix := range []string{"", "-tokens", "-env"} {
		attempts = append(attempts, r.attempted("Secret "+secret+suffix, "create", "secret", "generic", secret+suffix, "--from-literal=a=b"))
	}
	return attempts
}

// TestFormerNames: after a new configuration or a rollback, a pod reads on what it was created with. An editor cannot change that until the
// pod is replaced, nor what the next one will read.
func TestFormerNames(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			r, _ := started(t, tool, filesOf("agents", "passwords")...)
			r.upgrade(filesOf("agents-v2", "passwords-v2")...)
			r.requireFiles("agents", "passwords", true)
			r.requireFiles("agents-v2", "passwords-v2", true)
			r.replacePod()
			r.pod("node-monitor", injected)
			r.requireFiles("agents", "passwords", false)
			r.requireFiles("agents-v2", "passwords-v2", true)
			r.rollback()
			r.requireFiles("agents", "passwords", true)
			r.requireFiles("agents-v2", "passwords-v2", true)
		})
	}
}

// requireFiles fails if an editor may create them although they are guarded, or may not otherwise.
func (r *release) requireFiles(configMap, secret string, guarded bool) {
	r.t.Helper()
	for _, create := range r.creates(configMap, secret) {
		r.requireAttempts(create.as("bob"))
		if create = create.as("alice"); guarded {
			create = create.isDenied(`in its privileged container, and user "alice" may not create it: ` + lacks("configure"))
		}
		r.requireAttempts(create)
	}
}

// TestFilesStay: an editor neither deletes what PCP reads, nor has it deleted, nor makes it immutable. What runs the cluster, may.
func TestFilesStay(t *testing.T) {
	t.Parallel()
	r, _ := started(t, "helm3", "config.openMetrics.secretName=tokens", "config.openMetrics.endpoints.app.url=http://localhost:9100/metrics")
	mustKubectl(t, "", "create", "secret", "generic", "tokens", "--from-literal=a=b", "--namespace", r.target)
	for _, object := range []string{"configmap/pcp-openmetrics", "secret/tokens"} {
		r.requireStays(object, `in its privileged container, and user "alice" may not `)
		immutable := r.attempted("immutable "+object, "patch", object, "--type=merge", `--patch={"immutable":true}`)
		r.requireAttempts(immutable.as("alice").isDenied(`may not update it: `+lacks("configure")), immutable.as("bob"))
	}
	r.requireCollected("secret/tokens")
	r.must("uninstall", r.name, "--namespace", r.namespace, "--wait", "--timeout", "60s")
	if left := mustKubectl(t, "", "get", "configmap/pcp-openmetrics", "--ignore-not-found", "--output", "name", "--namespace", r.target); left != "" {
		t.Errorf("left after uninstalling: %s", left)
	}
	create := r.attempted("ConfigMap after uninstalling", "create", "configmap", "pcp-openmetrics", "--from-literal=a=b")
	r.requireAttempts(create.as("alice").isDenied(`may not create it: `+lacks("configure")), create.as("bob"))
}

// requireStays fails if an editor may delete the object, or give it an owner.
func (r *release) requireStays(object, denied string) {
	r.t.Helper()
	deletion := r.attempted("deletion of "+object, "delete", object)
	owner := r.attempted("owner of "+object, "patch", object, "--type=merge",
		`--patch={"metadata":{"ownerReferences":[{"apiVersion":"v1","kind":"ConfigMap","name":"a","uid":"b"}]}}`)
	r.requireAttempts(
		deletion.as("alice").isDenied(denied+`delete it: `+lacks("configure")), deletion.as("bob"),
		owner.as("alice").isDenied(denied+`update it: `+lacks("configure")), owner.as("bob"),
		r.attempted("label of "+object, "label", object, "team=a").as("alice"),
	)
}
