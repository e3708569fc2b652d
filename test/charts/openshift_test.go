package charts_test

import (
	"path/filepath"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// privilegedSCC is the ClusterRole that OpenShift has for its SecurityContextConstraints privileged
// (https://docs.redhat.com/en/documentation/openshift_container_platform/4.18/html/authentication_and_authorization/managing-pod-security-policies).
const privilegedSCC = "system:openshift:scc:privileged"

// TestOpenShift: one value lets the service account of PCP's pods, and no other, use the SecurityContextConstraints privileged. OpenShift itself is not
// here: the API server is Kubernetes', which decides about the permission as OpenShift's does, with the ClusterRole as OpenShift has it.
func TestOpenShift(t *testing.T) {
	t.Parallel()
	mustKubectl(t, `
{apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {name: "`+privilegedSCC+`"}, rules: [
 {apiGroups: [security.openshift.io], resources: [securitycontextconstraints], resourceNames: [privileged], verbs: [use]}]}
`, "apply", "-f", "-")
	t.Cleanup(func() { kubectl(t, "", "delete", "clusterrole", privilegedSCC) })
	for _, chart := range []string{injectorChart, pcpChart} {
		for _, tool := range []string{"helm", "helm3"} {
			t.Run(filepath.Base(chart)+"-"+tool, func(t *testing.T) {
				t.Parallel()
				namespace, account, template := namespaceFor(t), "pcp", "templates/openshift.yaml"
				createNamespace(t, namespace, nil)
				arguments := []string{"template", "pcp", chart, "--namespace", namespace, "--set", "openShift.enabled=true"}
				if chart == injectorChart {
					account, template = "node-monitor", "templates/pcp-openshift.yaml"
					arguments = append(arguments, "--set", "config.target.namespace="+namespace+",openShift.serviceAccountName="+account+",pcp.namespace.shared=true")
				}
				binding := newHelm(t, tool).must(append(arguments, "--show-only", template)...)
				mustKubectl(t, binding, "apply", "--validate=strict", "-f", "-")
				requireSCC(t, namespace, account, true)
				requireSCC(t, namespace, "default", false)
				requireSCC(t, namespace, "pcp-pcp-injector", false)
			})
		}
	}
}

// requireSCC asks the API server, as OpenShift's admission does, whether an account may use the SecurityContextConstraints privileged.
func requireSCC(t *testing.T, namespace, account string, want bool) {
	t.Helper()
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: "system:serviceaccount:" + namespace + ":" + account, Groups: []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"},
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Group: "security.openshift.io", Resource: "securitycontextconstraints", Name: "privileged", Verb: "use",
		},
	}}
	answered, err := plane.Client().AuthorizationV1().SubjectAccessReviews().Create(t.Context(), review, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if answered.Status.Allowed != want {
		t.Errorf("the use of the SCC by %s is allowed: %t, want %t (%s)", account, answered.Status.Allowed, want, strings.TrimSpace(answered.Status.Reason))
	}
}
