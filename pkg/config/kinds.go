package config

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

// WorkloadKind is a built-in kind of Kubernetes whose objects are pods or have a pod template. The version of its API is v1.
type WorkloadKind struct {
	// Kind as in TypeMeta, e.g. Deployment.
	Kind TargetKind
	// Group of the API, empty for the core group. A custom resource may have the same kind in another group.
	Group string
	// Resource is the plural that the API uses, e.g. deployments.
	Resource string
	// Spec is the path of the object that holds the template, e.g. spec.jobTemplate.spec for a CronJob. Empty for a Pod.
	Spec string
	// Scales reports whether the resource has the subresource scale.
	Scales bool
	// Controller is the service account in kube-system that creates what the workload owns. Empty for a Pod.
	Controller string
	// Owned is the kind between the workload and its pods; empty if the workload owns the pods directly.
	Owned TargetKind
	// nameRule is set for a kind whose names are more restricted than DNS subdomains.
	nameRule func(string) []string
}

// Kinds are all workload kinds that the injector knows, and the only list of them: the chart's policies and the kubectl plugin follow it.
var Kinds = []WorkloadKind{
	{Kind: KindPod, Resource: "pods"},
	{Kind: KindDeployment, Group: "apps", Resource: "deployments", Spec: "spec", Scales: true, Controller: "deployment-controller", Owned: KindReplicaSet, nameRule: subdomainOf(maxDeploymentName)},
	{Kind: KindReplicaSet, Group: "apps", Resource: "replicasets", Spec: "spec", Scales: true, Controller: "replicaset-controller"},
	{Kind: KindStatefulSet, Group: "apps", Resource: "statefulsets", Spec: "spec", Scales: true, Controller: "statefulset-controller", nameRule: validation.IsDNS1123Label},
	{Kind: KindDaemonSet, Group: "apps", Resource: "daemonsets", Spec: "spec", Controller: "daemon-set-controller"},
	{Kind: KindJob, Group: "batch", Resource: "jobs", Spec: "spec", Controller: "job-controller"},
	{Kind: KindCronJob, Group: "batch", Resource: "cronjobs", Spec: "spec.jobTemplate.spec", Controller: "cronjob-controller", Owned: KindJob, nameRule: subdomainOf(maxCronJobName)},
	{Kind: KindReplicationController, Resource: "replicationcontrollers", Spec: "spec", Scales: true, Controller: "replication-controller"},
}

const (
	// maxCronJobName leaves room for the suffixes of its Jobs and their pods, as the API server does.
	maxCronJobName = 52
	// maxDeploymentName is shorter than any name that the deployment controller truncates to make room for "-" and a hash of up to 10
	// characters: the ReplicaSet of a Deployment with a longer name would pass for one of the target's. See
	// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/controller/deployment/sync.go (generateReplicaSetName).
	maxDeploymentName = validation.DNS1123SubdomainMaxLength - len("-") - 10 - 1
)

// subdomainOf is the rule for a DNS subdomain of at most that many characters.
func subdomainOf(characters int) func(string) []string {
	return func(name string) []string {
		if len(name) > characters {
			return []string{validation.MaxLenError(characters)}
		}
		return validation.IsDNS1123Subdomain(name)
	}
}

// KnownKind finds a kind in Kinds; nil for a custom one.
func KnownKind(kind TargetKind) *WorkloadKind {
	at := slices.IndexFunc(Kinds, func(k WorkloadKind) bool { return k.Kind == kind })
	if at < 0 {
		return nil
	}
	return &Kinds[at]
}

// TemplatePath leads to the pod template in an object of the kind; empty for a Pod, which is one.
func (k *WorkloadKind) TemplatePath() []string {
	if k.Spec == "" {
		return []string{}
	}
	return append(strings.Split(k.Spec, "."), "template")
}

// creators are the users that create the pods of a target if kube-controller-manager runs with --use-service-account-credentials, as on
// kubeadm, kind, k3s and the managed services. Without it, the user is system:kube-controller-manager, which must be listed in
// trustedCreators. Nil for a Pod and for custom kinds.
func creators(kind TargetKind) []string {
	known := KnownKind(kind)
	switch {
	case known == nil || known.Controller == "":
		return nil
	case known.Owned != "":
		return creators(known.Owned)
	}
	return []string{controllerPrefix + known.Controller}
}

// KindNames are the names of all known kinds in alphabetical order, separated by commas.
func KindNames() string {
	names := make([]string, len(Kinds))
	for n := range Kinds {
		names[n] = string(Kinds[n].Kind)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
