package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"github.com/performancecopilot/pcp-injector/test/loopback"
)

const (
	administrators    = "system:masters"
	serviceAccountKey = "service-accounts.key"
)

// Config is a copy of the administrator's access to the API server, which the caller may change.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Client is a client with the administrator's access.
func (c *Cluster) Client() kubernetes.Interface { return c.client }

// ConfigFor is access as any user. The API server sees exactly this name and these groups (and system:authenticated), and passes them to
// admission webhooks. The user need not exist, and may be a service account. RBAC decides what it may do.
func (c *Cluster) ConfigFor(user string, groups ...string) (*rest.Config, error) {
	certificate, err := c.authority.ClientCertificate(user, groups...)
	if err != nil {
		return nil, err
	}
	return c.configWith(c.endpoints.apiServer, certificate), nil
}

// WriteKubeconfig writes a kubeconfig file with the access of ConfigFor. A kubelet is system:node:<name> in the group system:nodes, and
// kube-proxy is system:kube-proxy.
func (c *Cluster) WriteKubeconfig(path, user string, groups ...string) error {
	config, err := c.ConfigFor(user, groups...)
	if err != nil {
		return err
	}
	return writeKubeconfig(path, config)
}

// Kubeconfig is the path of a kubeconfig file with the administrator's access.
func (c *Cluster) Kubeconfig() string { return filepath.Join(c.folder, "kubeconfig") }

// Kubectl is the path of kubectl, in the API server's version unless KUBEBUILDER_ASSETS has another API server.
func (c *Cluster) Kubectl() string { return c.commands[kubectl] }

// Environment is for commands that talk to the API server as the administrator, such as kubectl and helm, in addition to this process's
// environment. It shares nothing with the user's own commands or other runs: neither preferences nor the cached discovery of an earlier API
// server on the same port, which kubectl trusts for six hours.
func (c *Cluster) Environment() []string {
	return []string{"KUBECONFIG=" + c.Kubeconfig(), "KUBECACHEDIR=" + filepath.Join(c.folder, "kubectl-cache"), "KUBERC=off"}
}

// Logs is the folder of the components' logs, each named after its component.
func (c *Cluster) Logs() string { return c.logs }

// configWith has no client-side rate limit, because a test that waits for its own client learns nothing.
func (c *Cluster) configWith(server string, certificate Certificate) *rest.Config {
	return &rest.Config{
		WarningHandler: rest.NoWarnings{},
		Host:           server, QPS: -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.authority.PEM(), CertData: certificate.Cert, KeyData: certificate.Key},
	}
}

func (c *Cluster) adminConfig(server string) *rest.Config { return c.configWith(server, c.admin) }

func (c *Cluster) credential(name string) string { return filepath.Join(c.folder, "credentials", name) }

// writeCredentials makes the authority for the API server's certificate and all clients' certificates, and the key for tokens.
func (c *Cluster) writeCredentials(context.Context) (err error) {
	if c.authority, err = NewAuthority("pcp-injector test cluster"); err != nil {
		return err
	}
	if c.admin, err = c.authority.ClientCertificate("administrator", administrators); err != nil {
		return err
	}
	serving, err := c.authority.ServingCertificate(c.serverNames()...)
	if err != nil {
		return err
	}
	signing, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("failed to make the key for service-account tokens: %w", err)
	}
	tokens, err := encodeKey(signing)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		"credentials/ca.crt": c.authority.PEM(), "credentials/tls.crt": serving.Cert, "credentials/tls.key": serving.Key,
		"credentials/" + serviceAccountKey: tokens, auditPolicyFile: []byte(auditPolicy),
	}
	if err := os.Mkdir(filepath.Join(c.folder, "credentials"), 0o700); err != nil {
		return fmt.Errorf("failed to write the control plane's credentials: %w", err)
	}
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(c.folder, filepath.FromSlash(name)), data, 0o600); err != nil {
			return fmt.Errorf("failed to write the control plane's credentials: %w", err)
		}
	}
	return nil
}

// serverNames are the names that clients use for the API server, on this machine and in pods.
func (c *Cluster) serverNames() []string {
	names := []string{
		"localhost", loopback.Host, "::1", ServiceAddress,
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local",
	}
	if c.options.NodeAddress != "" {
		names = append(names, c.options.NodeAddress)
	}
	return names
}

// writeKubeconfig writes the access as a file for kubectl and for components.
func writeKubeconfig(path string, config *rest.Config) error {
	const name = "test"
	kubeconfig := clientcmdapi.NewConfig()
	kubeconfig.Clusters[name] = &clientcmdapi.Cluster{Server: config.Host, CertificateAuthorityData: config.CAData}
	kubeconfig.AuthInfos[name] = &clientcmdapi.AuthInfo{ClientCertificateData: config.CertData, ClientKeyData: config.KeyData}
	kubeconfig.Contexts[name] = &clientcmdapi.Context{Cluster: name, AuthInfo: name}
	kubeconfig.CurrentContext = name
	if err := clientcmd.WriteToFile(*kubeconfig, path); err != nil {
		return fmt.Errorf("failed to write a kubeconfig file: %w", err)
	}
	return nil
}
