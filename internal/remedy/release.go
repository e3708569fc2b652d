package remedy

// Remedies that write objects which Helm has made. Helm alone does it: it marks its objects as its own, and neither upgrades nor uninstalls
// what has lost the marks, as after "helm get manifest | kubectl apply". An object that somebody has edited is deleted first. Helm 3 would
// leave what was added to it, and Helm 4 would refuse to touch fields of another manager.

const (
	history  = "helm history <release> --namespace <namespace>"
	rollback = "helm rollback <release> <revision> --namespace <namespace>"
	// setting changes a value of the release and keeps the others that its user has set. Those that nobody has set come from the new chart:
	// --reuse-values would leave out the keys that it adds (https://helm.sh/docs/helm/helm_upgrade).
	setting = "helm upgrade <release> <chart> --namespace <namespace> --reset-then-reuse-values"

	deleteWebhook = "kubectl delete mutatingwebhookconfiguration <name>"
	deleteSecret  = "kubectl --namespace <namespace> delete secret <secret>" //nolint:gosec // it names a Secret
)

// reapplying are the commands that delete what is in the way, and have Helm apply again what it has installed.
func reapplying(doomed ...string) []command {
	commands := make([]command, 0, len(doomed)+2)
	for _, words := range append(doomed, history, rollback) {
		commands = append(commands, run(words))
	}
	return commands
}

// restoring has Helm apply again what it has installed.
func restoring(name, advice string, doomed ...string) *Template {
	return register(Template{name: name, who: administrator, advice: advice, changes: Release, commands: reapplying(doomed...)})
}

// upgrading changes values of the release.
func upgrading(name, advice, values string, doomed ...string) *Template {
	words := setting
	if values != "" {
		words += " " + values
	}
	commands := make([]command, 0, len(doomed)+1)
	for _, words := range append(doomed, words) {
		commands = append(commands, run(words))
	}
	return register(Template{name: name, who: administrator, advice: advice, changes: Release, commands: commands})
}

// The remedies of a release.
var (
	Install = register(Template{
		name: "install", who: administrator, advice: "install pcp-injector", changes: Release,
		commands: []command{run("helm install pcp-injector <chart> --namespace pcp-system --create-namespace")},
	})
	Restore           = restoring("restore-release", "restore it")
	RestoreService    = restoring("restore-service", "restore the Service, whose selector finds no pod", "kubectl --namespace <namespace> delete service <name>")
	RestoreWebhook    = restoring("restore-webhook", "restore the webhook's configuration", deleteWebhook)
	RestoreGuard      = restoring("restore-guard", "restore it", "kubectl delete validatingadmissionpolicybinding <names>")
	RestoreDeployment = restoring("restore-deployment", "start it", "kubectl --namespace <namespace> delete deployment <name>")
	RestoreAfterCM    = restoring("restore-after-cert-manager", "install cert-manager (https://cert-manager.io/docs/installation/), and restore the release")
	// RestoreCABundle is for a caBundle that cert-manager keeps.
	RestoreCABundle = register(Template{
		name: "restore-ca-bundle", changes: Release, commands: reapplying(deleteWebhook),
		advice: "See whether cert-manager's cainjector runs, which keeps the caBundle, and restore the configuration",
	})
	CorrectConfiguration = register(Template{
		name: "correct-configuration", who: administrator, advice: "go back to a configuration that is valid", changes: Release,
		commands: []command{
			run("kubectl --namespace <namespace> delete configmap <name>"), run(history), run("helm rollback <release> <working> --namespace <namespace>"),
		},
	})
	UpgradeWebhook = upgrading("upgrade-webhook", "upgrade the webhook, or use the plugin of its version", "")
	CreateBudget   = upgrading("create-budget", "create one", "--set podDisruptionBudget.enabled=true")
	LoosenBudget   = upgrading("loosen-budget", "allow one disruption at a time", "--set podDisruptionBudget.minAvailable=,podDisruptionBudget.maxUnavailable=1",
		// The old one has a field that somebody else has changed, and so owns.
		"kubectl --namespace <namespace> delete poddisruptionbudget <name>")
	EnableGuard = upgrading("enable-guard", "turn it on, unless something else protects the pods", "--set guard.enabled=true")
	// RemakeCertificate deletes the webhook's configuration, too: somebody else may own its caBundle. The upgrade makes both anew.
	RemakeCertificate = upgrading("remake-certificate", "make a new one", "", deleteSecret, deleteWebhook)
	Retarget          = upgrading("retarget", "make it the target, which takes PCP away from <text>: a release has one target",
		"--set-string config.target.namespace=<target-namespace>,config.target.kind=<kind>,config.target.name=<target-name>")
	LimitPCP  = upgrading("limit-pcp", "set it in the injector's configuration", "--set config.container.resources.<key>=<amount>")
	GrowClaim = upgrading("grow-claim", "enlarge the claim, if its StorageClass allows that, or lower persistence.pmlogger.retention",
		"--set config.persistence.pmlogger.size=<amount>")
	Uninstall = register(Template{
		name: "uninstall-rival", advice: "Uninstall one of the two releases, for example", changes: Release,
		commands: []command{run("helm uninstall <release> --namespace <namespace>")},
	})
)

// The NetworkPolicy of a release.
var (
	ReplaceNetworkPolicy = register(Template{
		name: "replace-network-policy", who: administrator, advice: isolating, changes: Release,
		commands: append(reapplying("kubectl --namespace <target-namespace> delete networkpolicy <target-name>"), run(describePolicies)),
	})
	RestoreNetworkPolicy = register(Template{
		name: "restore-network-policy", who: administrator, advice: isolating, changes: Release, commands: append(reapplying(), run(describePolicies)),
	})
	LookAtNetworks = looking("look-at-networks", "Have the administrator narrow the NetworkPolicies that admit more than PCP's clients", describePolicies)
)

const (
	isolating        = "list its clients in pcp.networkPolicy.from, restore the chart's NetworkPolicy, and narrow others that admit more"
	describePolicies = "kubectl --namespace <target-namespace> describe networkpolicies"
)

// The claims of a release. Helm keeps claims when it uninstalls the release, and takes them back in the next installation if they are still
// marked as its own.
var (
	RestoreClaim = register(Template{
		name: "restore-claim", who: administrator, advice: "restore the claim", changes: Release, commands: reapplying(), notes: []string{claimsOfOthers},
	})
	ReplaceClaim = register(Template{
		name: "replace-claim", who: administrator, advice: "replace it: <text>", changes: Release,
		commands: reapplying("kubectl --namespace <target-namespace> delete persistentvolumeclaim <target-name>"), notes: []string{claimsOfOthers},
	})
)

const claimsOfOthers = "If the chart does not make the claims (pcp.claims.create: false), create them as you did before"
