package cluster

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/performancecopilot/pcp-injector/test/loopback"
)

const (
	// ServiceRange is where the cluster IPs of Services come from.
	ServiceRange = "10.96.0.0/16"
	// ServiceAddress is the cluster IP of the API server's Service, kubernetes.
	ServiceAddress = "10.96.0.1"
)

// endpoints are the URLs of the components that listen.
type endpoints struct {
	etcd      string
	apiServer string
}

// address picks a port and returns it with the loopback address.
func (c *Cluster) address(ctx context.Context) (string, error) {
	port, err := c.options.pickPort(ctx)
	return net.JoinHostPort(loopback.Host, strconv.Itoa(port)), err
}

// startEtcd starts etcd without fsync, because the data need not survive a power cut.
func (c *Cluster) startEtcd(ctx context.Context) error {
	arguments := func(ctx context.Context) ([]string, error) {
		client, err := c.address(ctx)
		if err != nil {
			return nil, err
		}
		peer, err := c.address(ctx)
		c.endpoints.etcd = "http://" + client
		return []string{
			"--data-dir=" + filepath.Join(c.folder, "etcd"), "--unsafe-no-fsync",
			"--listen-client-urls=http://" + client, "--advertise-client-urls=http://" + client,
			"--listen-peer-urls=http://" + peer, "--initial-advertise-peer-urls=http://" + peer,
			"--initial-cluster=default=http://" + peer,
		}, err
	}
	return c.launchReady(ctx, etcd, arguments, c.probeEtcd)
}

func (c *Cluster) probeEtcd(ctx context.Context) error {
	return probe(ctx, http.DefaultClient, c.endpoints.etcd+"/readyz")
}

func (c *Cluster) startAPIServer(ctx context.Context) error {
	client, err := rest.HTTPClientFor(c.adminConfig(""))
	if err != nil {
		return fmt.Errorf("failed to make a client for the API server: %w", err)
	}
	defer client.CloseIdleConnections()
	return c.launchReady(ctx, apiServer, c.apiServerArguments, func(ctx context.Context) error {
		return probe(ctx, client, c.endpoints.apiServer+"/readyz")
	})
}

// apiServerArguments leave the admission plugins at their defaults.
func (c *Cluster) apiServerArguments(ctx context.Context) ([]string, error) {
	port, err := c.options.pickPort(ctx)
	c.endpoints.apiServer = "https://" + net.JoinHostPort(loopback.Host, strconv.Itoa(port))
	return append(append(c.exposure(),
		"--secure-port="+strconv.Itoa(port), "--etcd-servers="+c.endpoints.etcd,
		"--tls-cert-file="+c.credential("tls.crt"), "--tls-private-key-file="+c.credential("tls.key"),
		"--client-ca-file="+c.credential("ca.crt"),
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.credential(serviceAccountKey),
		"--service-account-signing-key-file="+c.credential(serviceAccountKey),
		"--service-cluster-ip-range="+ServiceRange,
		"--authorization-mode=Node,RBAC", "--allow-privileged",
		"--audit-policy-file="+filepath.Join(c.folder, auditPolicyFile), "--audit-log-path="+c.AuditLog(),
		// More than a test writes, because a rotated log would lose the events that tests look for.
		"--audit-log-maxsize=1000",
	), c.options.APIServerFlags...), err
}

// exposure is where the API server listens, and what it publishes as the Service kubernetes. Without a node it publishes nothing, because
// the loopback address is refused there.
func (c *Cluster) exposure() []string {
	if c.options.NodeAddress == "" {
		return []string{"--bind-address=" + loopback.Host, "--advertise-address=" + loopback.Host, "--endpoint-reconciler-type=none"}
	}
	return []string{"--bind-address=0.0.0.0", "--advertise-address=" + c.options.NodeAddress}
}

// probe succeeds if the server answers the request with 200.
func probe(ctx context.Context, client *http.Client, url string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return fmt.Errorf("failed to make a request to %s: %w", url, err)
	}
	response, err := client.Do(request)
	if err != nil {
		return fmt.Errorf("no answer: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answered %s", url, response.Status)
	}
	return nil
}

// connect prepares the administrator's client and kubeconfig file.
func (c *Cluster) connect(context.Context) error {
	c.config = c.adminConfig(c.endpoints.apiServer)
	client, err := kubernetes.NewForConfig(c.config)
	if err != nil {
		return fmt.Errorf("failed to make a client for the API server: %w", err)
	}
	c.client = client
	return writeKubeconfig(c.Kubeconfig(), c.config)
}
