// Package node runs a real Kubernetes node on this machine beside the control plane under test: containerd, runc and CNI
// plugins from Debian's packages, the kubelet, kube-proxy and CoreDNS from their Go modules. Pods reach each other, Services by cluster
// IP and by name, and the API server as https://kubernetes.default.svc; there is nothing else to reach. It needs root and Linux. All of it
// lives in process, mount and network namespaces of its own, which end with the process that made them, whatever happens to it.
package node
