package remedy

// Remedies around the workload: its namespace, the rights of users, and what only its reader can do.

const bindings = "kubectl create clusterrolebinding <role> --clusterrole=<role> --user=<user>"

// The remedies of a namespace.
var (
	CreateNamespace = register(Template{name: "create-namespace", advice: "Create the namespace", changes: Namespace, commands: []command{run("kubectl create namespace <namespace>")}})
	OptIn           = register(Template{name: "opt-in", advice: "Let the namespace opt in", changes: Namespace, commands: []command{
		run("kubectl label --overwrite namespace <namespace> pcp.io/injection=enabled"),
	}})
	AllowPrivileged = register(Template{name: "allow-privileged", who: administrator, advice: "allow privileged pods in the namespace", changes: Namespace, commands: []command{
		run("kubectl label --overwrite namespace <namespace> pod-security.kubernetes.io/enforce=privileged"),
	}})
	RaiseLimits = register(Template{
		name: "raise-limits", who: administrator, advice: "make room in the LimitRange, or change config.container.resources", changes: Namespace,
		commands: []command{run("kubectl --namespace <namespace> patch limitrange <name> --type json --patch <patch>")},
	})
	RaiseQuota = register(Template{
		name: "raise-quota", who: administrator, advice: "raise the quota", changes: Namespace,
		commands: []command{run("kubectl --namespace <namespace> patch resourcequota <name> --type merge --patch <patch>")},
	})
	GrowForeignClaim = register(Template{
		name: "grow-foreign-claim", advice: "Enlarge the claim, if its StorageClass allows that, or lower persistence.pmlogger.retention", changes: Namespace,
		commands: []command{run("kubectl --namespace <namespace> patch persistentvolumeclaim <name> --type merge --patch <patch>")},
	})
	GrowVolume     = advising("grow-volume", "Enlarge the volume, or lower persistence.pmlogger.retention")
	ProvideVolume  = looking("provide-volume", "Have the administrator provide a volume, or a default StorageClass", "kubectl get storageclasses,persistentvolumes")
	WhyNoVolume    = looking("why-no-volume", "Have the administrator find out why no volume is made", "kubectl --namespace <namespace> describe persistentvolumeclaim <name>")
	HeedPolicy     = looking("heed-policy", "Do as the policy says, or have the administrator change it", "kubectl get validatingadmissionpolicy <name> --output yaml")
	OtherRelease   = advising("other-release", "Name the right namespace, or have the administrator install another release for this one")
	InstallKind    = advising("install-kind", "Have the administrator install its CustomResourceDefinition, or correct config.target.kind")
	TrustCreator   = advising("trust-creator", "Have the administrator add the creator to config.target.trustedCreators")
	RetargetUnseen = advising("retarget-unseen",
		"Have the administrator make its workload the target, which takes PCP away from <text>: a release has one target. The workload that the pod names could not be found")
	FixAbove = advising("fix-above", "Fix the problem above first")
)

// The remedies of a user's rights. "kubectl create role" requires a resource that exists, and only RBAC knows injections.pcp.io.
var (
	GrantExplain = register(Template{
		name: "grant-explain", advice: grantAdvice, alone: grantAlone, changes: Rights,
		commands: []command{
			run("kubectl create clusterrole pcp-explain --verb=get,list --resource=mutatingwebhookconfigurations,validatingadmissionpolicies,validatingadmissionpolicybindings"),
			run("kubectl create clusterrolebinding pcp-explain --clusterrole=pcp-explain --user=<user>"),
		},
	})
	GrantInject = register(Template{
		name: "grant-inject", advice: grantAdvice, alone: grantAlone, changes: Rights,
		commands: []command{
			granting("pcp-inject", "inject"), run("kubectl --namespace <namespace> create rolebinding pcp-inject --role=pcp-inject --user=<user>"),
		},
	})
	GrantInCluster = register(Template{
		name: "grant-in-cluster", advice: grantAdvice, alone: grantAlone, changes: Rights,
		commands: []command{run("kubectl create clusterrole <role> --verb=<verbs> --resource=<resource>"), run(bindings)},
	})
	GrantInNamespace = register(Template{
		name: "grant-in-namespace", advice: grantAdvice, alone: grantAlone, changes: Rights,
		commands: []command{run("kubectl --namespace <namespace> create role <role> --verb=<verbs> --resource=<resource>"), run(bindRole)},
	})
	GrantOwnVerb = register(Template{
		name: "grant-own-verb", advice: grantAdvice, alone: grantAlone, changes: Rights, commands: []command{granting("<role>", "<verbs>"), run(bindRole)},
	})
)

const (
	grantAdvice = "Ask your administrator to run"
	grantAlone  = "Ask your administrator to grant it"
	bindRole    = "kubectl --namespace <namespace> create rolebinding <role> --role=<role> --user=<user>"
)

// granting makes a Role for a verb on injections.pcp.io.
func granting(role, verb string) command {
	return command{
		words: "kubectl --namespace <namespace> apply -f -",
		input: `{"apiVersion":"rbac.authorization.k8s.io/v1","kind":"Role","metadata":{"name":"` + role +
			`"},"rules":[{"apiGroups":["pcp.io"],"resources":["injections"],"verbs":["` + verb + `"]}]}`,
	}
}
