package remedy

// Remedies of the injector that write nothing that Helm has made, and those of PCP in a pod.

const ofCertManager = "kubectl get pods --all-namespaces --selector app.kubernetes.io/instance=cert-manager"

// The remedies of the injector's pods and certificate.
var (
	WhyNotReady  = looking("why-not-ready", "Have the administrator find out why <text> not ready", "kubectl --namespace <namespace> describe pods --selector <selector>")
	AwaitRollout = looking("await-rollout", "Wait for the new pods", "kubectl --namespace <namespace> rollout status deployment <name>")
	LookAtLog    = looking("look-at-log", "Have the administrator look at the webhook's log, and at the caBundle in its configuration", logs)
	LookAtPods   = looking("look-at-pods", "Have the administrator look at the webhook's pods, their log and their NetworkPolicy",
		"kubectl --namespace <namespace> get pods,networkpolicies", logs)
	RestartWebhook = register(Template{
		name: "restart-webhook", who: administrator, advice: "restart the webhook, which reads its configuration once", changes: Release,
		commands: []command{run("kubectl --namespace <namespace> rollout restart deployment <name>")},
	})
	RestartUnknown   = advising("restart-unknown", "Have the administrator restart the webhook")
	ReissueByManager = register(Template{name: "reissue", advice: "Have cert-manager issue it again", changes: Namespace, commands: []command{run(deleteSecret)}})
	LookAtIssuing    = looking("look-at-issuing", "See what cert-manager says about it, and whether cert-manager runs",
		"kubectl --namespace <namespace> describe certificates,certificaterequests", ofCertManager)
	LookAtIssuer = looking("look-at-issuer", "See what cert-manager says about it, and whether cert-manager runs",
		"kubectl --namespace <namespace> describe issuer <name>", ofCertManager)
	LookAtClusterIssuer = looking("look-at-cluster-issuer", "See what cert-manager says about it, and whether cert-manager runs",
		"kubectl describe clusterissuer <name>", ofCertManager)
	CreateIssuer     = advising("create-issuer", "Have the administrator create it, or name another one in certificates.certManager.issuerRef")
	LookAtCAinjector = looking("look-at-cainjector", "See whether cert-manager's cainjector runs, which fills it in",
		"kubectl get pods --all-namespaces --selector app.kubernetes.io/component=cainjector")
	RenewAuthority = advising("renew-authority", "Have the administrator renew the certificate of the authority, and give the chart the new one in certificates.secret.caBundle")
	NewerPlugin    = advising("newer-plugin", "Use the plugin of that version, which knows that webhook's configuration: https://github.com/performancecopilot/pcp-injector/releases")
	WhoseRelease   = advising("whose-release", "Have the administrator install pcp-injector, or restore the release if that is theirs: anyone who may create Deployments can make one that looks so")
)

const logs = "kubectl --namespace <namespace> logs --selector app.kubernetes.io/instance=<release> --prefix"

const inside = "kubectl --namespace <namespace> exec <pod> --container pcp -- "

// The remedies of PCP in a pod.
var (
	RestartPCP = following("restart-pcp", "Wait half a minute after its start; after that, look at it and restart it (this takes the verb exec on injections.pcp.io)",
		inside+"systemctl status pmcd pmproxy", inside+"systemctl restart pmcd pmproxy")
	RestartAgents = following("restart-agents", "Restart pmcd, which starts them again (this takes the verb exec on injections.pcp.io)",
		inside+"systemctl restart pmcd")
	RestartLogger = following("restart-logger", "Make room if the volume is full, and restart pmlogger (this takes the verb exec on injections.pcp.io)",
		inside+"systemctl status pmlogger", inside+"systemctl restart pmlogger")
	NewerImage = advising("newer-image", "State a newer config.container.image, or set config.container.acceptArchives and acceptWrites to false")
	ListAgents = looking("list-agents",
		"Wait half a minute after PCP's start; after that, see which ones the image has, and correct config.container.domainAgents or the annotation pcp.io/domain-agents",
		inside+"ls /var/lib/pcp/pmdas")
	ServeSources = looking("serve-sources", "Start what serves them, or correct their URLs, which come from annotations of the pod template and from config.openMetrics",
		"kubectl --namespace <namespace> describe pod <pod>")
	WhyNotRunning = looking("why-not-running", "Find out why",
		"kubectl --namespace <namespace> describe pod <pod>", "kubectl --namespace <namespace> logs <pod> --container pcp --previous")
)
