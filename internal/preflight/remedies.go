package preflight

import (
	"fmt"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// All that is told to do before an installation.

func upgradeCluster() *gate.Remedy {
	return gate.Do("Upgrade the cluster first")
}

func haveItInstalled() *gate.Remedy {
	return gate.Do("Have an administrator of the cluster install the release, or grant you these rights")
}

func createNamespace(name string) *gate.Remedy {
	return gate.Do("Create it, or have Helm create it with pcp.namespace.create=true", "kubectl create namespace "+name,
		fmt.Sprintf("kubectl label namespace %s pcp.io/injection=enabled pod-security.kubernetes.io/enforce=privileged", name))
}

func allowPrivileged(name string) *gate.Remedy {
	return gate.Do("Have the administrator allow privileged pods in the namespace",
		fmt.Sprintf("kubectl label --overwrite namespace %s pod-security.kubernetes.io/enforce=privileged", name))
}

func changePolicy() *gate.Remedy {
	return gate.Do("Have whoever made the policy except this pod")
}

func provideClass() *gate.Remedy {
	return gate.Do("Mark a StorageClass as the default, name one in config.persistence, or set the type of its volumes to None",
		"kubectl get storageclasses")
}

func installCertManager() *gate.Remedy {
	return gate.Do("Install cert-manager (https://cert-manager.io/docs/installation/), or do without: write certificates.mode: helm into the release's values")
}

func lookAtItsWebhook() *gate.Remedy {
	return gate.Do("See whether cert-manager's webhook runs, or do without: write certificates.mode: helm into the release's values",
		"kubectl get pods --all-namespaces --selector app.kubernetes.io/name=webhook")
}

func lookAtCertManager(namespace string) *gate.Remedy {
	return gate.Do("See why it is not ready, or do without: write certificates.mode: helm into the release's values", "kubectl get pods --namespace "+namespace)
}

func useOther(release snapshot.Release) *gate.Remedy {
	return gate.Do("Upgrade that release, uninstall it, or name another target", "helm list --namespace "+gate.Quote(release.Namespace))
}

func finish(release snapshot.Release) *gate.Remedy {
	return gate.Do("See what became of it, and roll back or uninstall it",
		fmt.Sprintf("helm history %s --namespace %s", gate.Quote(release.Name), gate.Quote(release.Namespace)))
}
