package charts_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"sync"
	"time"

	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// syncPeriod is how far kube-proxy lags behind the API server by default (iptables.minSyncPeriod).
const syncPeriod = time.Second

// balancer stands in for kube-proxy, which needs root, where a Service has several pods. It chooses one of those that were ready at its last
// look, for each new connection; it leaves established ones alone, and it does not try another pod where one refuses. Each
// is what kube-proxy does.
type balancer struct {
	namespace, service string

	mutex sync.Mutex
	pods  map[string]string // address of the pod's process, by the pod's IP address
	ready []string          // addresses of processes
	dials map[string]int    // how many connections each process was to get
	open  map[string]int    // how many it has
}

func newBalancer() *balancer {
	return &balancer{pods: map[string]string{}, dials: map[string]int{}, open: map[string]int{}}
}

// balance leads connections to the Service to the processes of its pods, until the context is done.
func (n *network) balance(ctx context.Context, namespace, service string, b *balancer) error {
	found, err := n.client.CoreV1().Services(namespace).Get(ctx, service, metav1.GetOptions{})
	if err != nil {
		return err
	}
	b.namespace, b.service = namespace, service
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.balancers[net.JoinHostPort(found.Spec.ClusterIP, strconv.Itoa(int(found.Spec.Ports[0].Port)))] = b
	go b.run(ctx, n)
	return nil
}

func (b *balancer) run(ctx context.Context, n *network) {
	for ctx.Err() == nil {
		slices, err := n.client.DiscoveryV1().EndpointSlices(b.namespace).List(ctx, metav1.ListOptions{
			LabelSelector: discoveryv1.LabelServiceName + "=" + b.service,
		})
		// While the API server is away, the pods stay as they were.
		if err == nil {
			b.sync(readyAddresses(slices.Items))
		}
		select {
		case <-ctx.Done():
		case <-time.After(syncPeriod):
		}
	}
}

func (b *balancer) sync(pods []string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.ready = nil
	for _, ip := range pods {
		if address, runs := b.pods[ip]; runs {
			b.ready = append(b.ready, address)
		}
	}
}

// place says where the process of the pod with the IP address listens.
func (b *balancer) place(ip, address string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.pods[ip] = address
}

// served is whether new connections may go to the process.
func (b *balancer) served(address string) bool {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return slices.Contains(b.ready, address)
}

// connections is how many connections the process was ever to get, and how many of them are left.
func (b *balancer) connections(address string) (all, open int) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.dials[address], b.open[address]
}

func (b *balancer) dial(ctx context.Context) (net.Conn, error) {
	address, err := b.choose()
	if err != nil {
		return nil, err
	}
	connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		b.closed(address)
		return nil, err
	}
	return &counted{Conn: connection, closed: sync.OnceFunc(func() { b.closed(address) })}, nil
}

func (b *balancer) choose() (string, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	if len(b.ready) == 0 {
		return "", errors.New("no pod is ready")
	}
	address := b.ready[rand.IntN(len(b.ready))]
	b.dials[address]++
	b.open[address]++
	return address, nil
}

func (b *balancer) closed(address string) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.open[address]--
}

// counted is a connection that says when it is closed.
type counted struct {
	net.Conn

	closed func()
}

func (c *counted) Close() error {
	c.closed()
	return c.Conn.Close()
}
