package node

import (
	"context"
	"os"

	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

// proxyConfig: what the whole machine shares of conntrack's settings stays as it is.
const proxyConfig = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: iptables
clientConnection: {kubeconfig: FOLDER/kube-proxy.kubeconfig}
clusterCIDR: PODS
conntrack: {maxPerCore: 0, min: 0}
hostnameOverride: NODE
`

// dnsConfig: there is no network to forward to, so a name that is not the cluster's does not exist.
const dnsConfig = `cluster.local in-addr.arpa {
    errors
    kubernetes cluster.local in-addr.arpa {
        kubeconfig FOLDER/coredns.kubeconfig
    }
}
. {
    errors
    template IN ANY . {
        rcode NXDOMAIN
    }
}
`

// startProxy starts what leads connections to a Service's cluster IP to its pods, from pods and from the API server.
func (n *Node) startProxy(ctx context.Context) error {
	commands, err := toolchain.Find(ctx, n.out, proxy)
	if err != nil {
		return err
	}
	if err := n.Plane.WriteKubeconfig(n.path("kube-proxy.kubeconfig"), "system:kube-proxy"); err != nil {
		return err
	}
	if err := os.WriteFile(n.path("kube-proxy.yaml"), n.expand(proxyConfig), 0o600); err != nil {
		return err
	}
	return n.launch(commands[proxy], "--config", n.path("kube-proxy.yaml"))
}

// startDNS starts CoreDNS on the node itself, with the administrator's access, which spares it a role of its own.
func (n *Node) startDNS(ctx context.Context) error {
	commands, err := toolchain.Find(ctx, n.out, dns)
	if err != nil {
		return err
	}
	if err := n.Plane.WriteKubeconfig(n.path("coredns.kubeconfig"), dns, "system:masters"); err != nil {
		return err
	}
	if err := os.WriteFile(n.path("Corefile"), n.expand(dnsConfig), 0o600); err != nil {
		return err
	}
	return n.launch(commands[dns], "-conf", n.path("Corefile"))
}
