package preflight

import (
	"slices"

	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// verbs of all that Helm installs, upgrades and removes.
var verbs = []string{"get", "create", "patch", "delete"}

// scope of a right.
type scope int

const (
	ofCluster scope = iota
	ofRelease
	ofTarget
)

// installed are the resources of the chart's objects, by default.
var installed = []struct {
	group, resource string
	scope           scope
	// only with cert-manager, or only without it; with both, always.
	with, without bool
}{
	{"", "secrets", ofRelease, true, true},
	{"", "serviceaccounts", ofRelease, true, true},
	{"", "configmaps", ofRelease, true, true},
	{"", "services", ofRelease, true, true},
	{"apps", "deployments", ofRelease, true, true},
	{"batch", "jobs", ofRelease, true, true}, // checks the configuration
	{"networking.k8s.io", "networkpolicies", ofRelease, true, true},
	{"policy", "poddisruptionbudgets", ofRelease, true, true},
	{"cert-manager.io", "issuers", ofRelease, true, false},
	{"cert-manager.io", "certificates", ofRelease, true, false},
	{"", "services", ofTarget, true, true},
	{"", "persistentvolumeclaims", ofTarget, true, true},
	{"networking.k8s.io", "networkpolicies", ofTarget, true, true},
	{"admissionregistration.k8s.io", "mutatingwebhookconfigurations", ofCluster, true, true},
	{"admissionregistration.k8s.io", "validatingadmissionpolicies", ofCluster, true, true},
	{"admissionregistration.k8s.io", "validatingadmissionpolicybindings", ofCluster, true, true},
}

// further verbs: for Helm's record of the release, and to wait for the Job.
var further = map[string][]string{"secrets": {"list", "update"}, "jobs": {"list", "watch"}}

// rightsOf are the rights that a plan takes.
func rightsOf(plan *Plan) []snapshot.Right {
	var rights []snapshot.Right
	for _, object := range installed {
		if plan.CertManager && !object.with || !plan.CertManager && !object.without {
			continue
		}
		namespace := map[scope]string{ofRelease: plan.Release.Namespace, ofTarget: plan.Target}[object.scope]
		needed := slices.Concat(verbs, further[object.resource])
		rights = append(rights, snapshot.Right{Verbs: needed, Resource: object.resource, Group: object.group, Namespace: namespace})
	}
	if plan.NewNamespace != nil {
		rights = append(rights, snapshot.Right{Verbs: verbs, Resource: "namespaces"})
	}
	return rights
}
