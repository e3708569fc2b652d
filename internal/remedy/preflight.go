package remedy

// The remedies before an installation.
var (
	UpgradeCluster   = advising("upgrade-cluster", "Upgrade the cluster first")
	HaveItInstalled  = advising("have-it-installed", "Have an administrator of the cluster install the release, or grant you these rights")
	ChangePolicy     = advising("change-policy", "Have the owner of the policy exempt this pod")
	PrepareNamespace = register(Template{
		name: "prepare-namespace", advice: "Create it, or have Helm create it with pcp.namespace.create=true", changes: Namespace,
		commands: runs([]string{
			"kubectl create namespace <namespace>",
			"kubectl label namespace <namespace> pcp.io/injection=enabled pod-security.kubernetes.io/enforce=privileged",
		}),
	})
	ProvideClass = looking("provide-class",
		"Mark a StorageClass as the default, name one in config.persistence, or set the type of its volumes to None", "kubectl get storageclasses")
	InstallCertManager = advising("install-cert-manager", "Install cert-manager (https://cert-manager.io/docs/installation/), or "+doWithout)
	LookAtItsWebhook   = looking("look-at-cert-manager-webhook", "See whether cert-manager's webhook runs, or "+doWithout,
		"kubectl get pods --all-namespaces --selector app.kubernetes.io/name=webhook")
	LookAtCertManager = looking("look-at-cert-manager", "See why it is not ready, or "+doWithout, "kubectl get pods --namespace <namespace>")
	UseOther          = looking("use-other", "Upgrade that release, uninstall it, or name another target", "helm list --namespace <namespace>")
	FinishRelease     = looking("finish-release", "See its history, and roll it back or uninstall it", history)
)

const doWithout = "do without: write certificates.mode: helm into the release's values"
