package charts_test

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/performancecopilot/pcp-injector/test/cluster"
)

// network stands in for the simulated node, in whose pods nothing runs, and for kube-proxy, which needs root: what the API server
// sends to the address of a Service with a ready endpoint, this sends to a process on this machine. The Service, its selector,
// its port and its DNS name, for which the API server verifies the certificate, stay the chart's. Besides this, only volumes are
// faked, and the kubelet that would run the pod of helm test.
type network struct {
	egress *cluster.Egress

	mutex     sync.Mutex
	client    kubernetes.Interface
	processes map[string]string    // by namespace/name of the Service
	balancers map[string]*balancer // by address of the Service
}

func newNetwork(ctx context.Context) (n *network, err error) {
	n = &network{processes: map[string]string{}, balancers: map[string]*balancer{}}
	n.egress, err = cluster.NewEgress(ctx, n.dial)
	return n, err
}

// use sets where the network reads Services from.
func (n *network) use(client kubernetes.Interface) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.client = client
}

// connect sends what is for the Service to the process; an empty address disconnects it.
func (n *network) connect(service, address string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.processes[service] = address
}

// dial connects to a process that serves the Service with the address.
func (n *network) dial(ctx context.Context, service string) (net.Conn, error) {
	n.mutex.Lock()
	b := n.balancers[service]
	n.mutex.Unlock()
	if b != nil {
		return b.dial(ctx)
	}
	address, err := n.route(ctx, service)
	if err != nil {
		return nil, err
	}
	return new(net.Dialer).DialContext(ctx, "tcp", address)
}

// route does what kube-proxy does: it finds the Service that has the address, and refuses one without a ready endpoint.
func (n *network) route(ctx context.Context, address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", err
	}
	n.mutex.Lock()
	client := n.client
	n.mutex.Unlock()
	services, err := client.CoreV1().Services("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return "", err
	}
	for _, service := range services.Items {
		if service.Spec.ClusterIP != host || !hasPort(&service, port) {
			continue
		}
		if err := n.requireEndpoint(ctx, client, &service); err != nil {
			return "", err
		}
		return n.process(service.Namespace + "/" + service.Name)
	}
	return "", fmt.Errorf("no Service has the address %s", address)
}

func hasPort(service *corev1.Service, port string) bool {
	for _, p := range service.Spec.Ports {
		if strconv.Itoa(int(p.Port)) == port {
			return true
		}
	}
	return false
}

func (n *network) requireEndpoint(ctx context.Context, client kubernetes.Interface, service *corev1.Service) error {
	slices, err := client.DiscoveryV1().EndpointSlices(service.Namespace).List(ctx, metav1.ListOptions{
		LabelSelector: discoveryv1.LabelServiceName + "=" + service.Name,
	})
	if err != nil {
		return err
	}
	if len(readyAddresses(slices.Items)) == 0 {
		return fmt.Errorf("the Service %s/%s has no ready endpoint", service.Namespace, service.Name)
	}
	return nil
}

// readyAddresses are the IP addresses of the pods that are ready for the Service.
func readyAddresses(slices []discoveryv1.EndpointSlice) (addresses []string) {
	for _, slice := range slices {
		for _, endpoint := range slice.Endpoints {
			if endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready && len(slice.Ports) > 0 {
				addresses = append(addresses, endpoint.Addresses...)
			}
		}
	}
	return addresses
}

func (n *network) process(service string) (string, error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.processes[service] == "" {
		return "", fmt.Errorf("no process serves the Service %s", service)
	}
	return n.processes[service], nil
}
