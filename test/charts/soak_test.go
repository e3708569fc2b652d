package charts_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/performancecopilot/pcp-injector/test/injector"
)

// form is how much a soak does.
type form struct {
	rolls, workers int
	// pause is between two pods of a worker.
	pause time.Duration
	// enough is how many pods each phase must have admitted at least.
	enough int
	// alone is a soak that has the control plane to itself, and may restart it, and has the time to wait for what is frozen.
	alone bool
}

var (
	shortForm = form{rolls: 2, workers: 2, pause: 20 * time.Millisecond, enough: 20}
	longForm  = form{rolls: 20, workers: 4, enough: 500, alone: true}
)

// soak is pods that ask for PCP, without end, and what happens to the webhook meanwhile.
type soak struct {
	*release
	form

	kubelet *kubelet
	client  kubernetes.Interface // of the controller of ReplicaSets

	mutex  sync.Mutex
	phases []*phase
}

// phase is what became of the pods that were sent while one thing happened.
type phase struct {
	name     string
	inFlight int
	admitted int
	failed   int
	slowest  time.Duration
	first    error // of the failures
	// limit is how many may fail; why says why any may.
	limit int
	why   string
	// away is a phase without an API server: only failures that it blames on the webhook count then.
	away   bool
	blamed int
}

// TestSoak: no pod that asks for PCP fails while the webhook is rolled, its certificates are renewed or its configuration changes. When a
// replica is killed or freezes, only those fail that the API server had sent there, or sends there before Kubernetes knows. The long form
// (make soak) does more of it, and restarts the API server.
func TestSoak(t *testing.T) {
	t.Parallel()
	s := newSoak(t)
	ended, end := context.WithCancel(t.Context())
	var group sync.WaitGroup
	// What was counted so far is of interest even if the soak breaks off.
	defer func() { end(); group.Wait(); s.report() }()
	s.begin("nothing happens")
	for range s.workers {
		group.Go(func() { s.work(ended) })
	}
	s.await("pods", s.enough)
	s.roll()
	s.rotateLeaf()
	s.rotateAuthority()
	s.reconfigureAll()
	s.kill()
	if s.alone {
		s.freeze()
		s.restartAPIServer()
	}
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	s := &soak{form: shortForm}
	if os.Getenv("SOAK") != "" {
		s.form = longForm
	}
	s.kubelet = startKubelet(t, "soak")
	values := append(s.kubelet.values(), "guard.warnings.scope=Target")
	if !s.alone {
		// Beside other tests, a machine may be too slow for the chart's five seconds.
		values = append(values, "webhook.timeoutSeconds=30")
	}
	s.release = newRelease(t, "helm", values...)
	s.install()
	if err := services.balance(t.Context(), s.namespace, s.fullname(), s.kubelet.balancer); err != nil {
		t.Fatal(err)
	}
	config, err := plane.ConfigFor("system:serviceaccount:kube-system:replicaset-controller", "system:serviceaccounts", "system:serviceaccounts:kube-system")
	if err == nil {
		s.client, err = kubernetes.NewForConfig(config)
	}
	if err != nil {
		t.Fatal(err)
	}
	s.eventually("the first pod", func(ctx context.Context) error { _, err := s.send(ctx); return err })
	return s
}

// send has the API server admit the pod that the Deployment node-monitor would get, in a dry run, which goes all the way but to etcd,
// and returns the image of the container that was added.
func (s *soak) send(ctx context.Context) (image string, err error) {
	template := nodeMonitor().Spec.Template
	pod := &corev1.Pod{ObjectMeta: template.ObjectMeta, Spec: template.Spec}
	pod.GenerateName = "node-monitor-6d5f8c7b9d-"
	pod.Labels = map[string]string{"pod-template-hash": "6d5f8c7b9d"}
	pod.OwnerReferences = []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "node-monitor-6d5f8c7b9d", UID: "4b1d", Controller: new(true)}}
	admitted, err := s.client.CoreV1().Pods(s.target).Create(ctx, pod, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	if err != nil {
		return "", err
	}
	container := pcp(admitted)
	if container == nil {
		return "", fmt.Errorf("the pod was not injected: %s", admitted.Annotations["pcp.io/status"])
	}
	return container.Image, nil
}

// work sends pods, one after the other, until the soak has ended. After a failure it waits a second, as a controller does.
func (s *soak) work(ended context.Context) {
	for ; ended.Err() == nil; pause(ended, s.pause) {
		p, began := s.enter(), time.Now()
		_, err := s.send(s.t.Context())
		s.leave(p, time.Since(began), err)
		if err != nil {
			pause(ended, time.Second)
		}
	}
}

// enter books a pod to the phase in which it is sent.
func (s *soak) enter() *phase {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p := s.phases[len(s.phases)-1]
	p.inFlight++
	return p
}

func (s *soak) leave(p *phase, took time.Duration, err error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p.inFlight--
	p.slowest = max(p.slowest, took)
	if err == nil {
		p.admitted++
		return
	}
	p.failed++
	if strings.Contains(err.Error(), "failed calling webhook") {
		p.blamed++
	}
	if p.first == nil {
		p.first = err
	}
}

// begin begins a phase in which no pod may fail, and returns when those of the phase before are decided.
func (s *soak) begin(name string) *phase {
	s.t.Helper()
	s.mutex.Lock()
	p, last := &phase{name: name}, len(s.phases)-1
	s.phases = append(s.phases, p)
	s.mutex.Unlock()
	if last < 0 {
		return p
	}
	s.eventually("the pods that were sent before "+name, func(context.Context) error {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if left := s.phases[last].inFlight; left > 0 {
			return fmt.Errorf("%d are left", left)
		}
		return nil
	})
	return p
}

// limit allows failures in a phase.
func (s *soak) limit(p *phase, limit int, why string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p.limit, p.why = limit, why
}

// await waits until so many pods were admitted in this phase.
func (s *soak) await(what string, count int) {
	s.t.Helper()
	p := s.phases[len(s.phases)-1]
	s.eventually(fmt.Sprintf("%d %s while %s", count, what, p.name), func(context.Context) error {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		if p.admitted < count {
			return errors.Join(fmt.Errorf("got %d, and %d failures", p.admitted, p.failed), p.first)
		}
		return nil
	})
}

// roll replaces all replicas, as a new version does.
func (s *soak) roll() {
	s.t.Helper()
	s.begin(fmt.Sprintf("the Deployment rolls %d times", s.rolls))
	for n := range s.rolls {
		// Not kubectl rollout restart: it stamps the template with the second, and refuses to restart twice in one.
		mustKubectl(s.t, "", "patch", "deployment/"+s.fullname(), "--namespace", s.namespace, "--type=merge",
			fmt.Sprintf(`--patch={"spec":{"template":{"metadata":{"annotations":{"example.com/roll":"%d"}}}}}`, n))
		mustKubectl(s.t, "", "rollout", "status", "deployment/"+s.fullname(), "--namespace", s.namespace, "--timeout", "120s")
	}
	s.settle()
}

// settle waits until the new replicas have taken over and the old ones, which still serve for a while, are gone, so what happens to
// pods is booked to what caused it.
func (s *soak) settle() {
	s.t.Helper()
	s.replicas()
	s.eventually("the old replicas to go", func(ctx context.Context) error {
		pods, err := plane.Client().CoreV1().Pods(s.namespace).List(ctx, metav1.ListOptions{})
		if err == nil && len(pods.Items) != 2 {
			err = fmt.Errorf("there are %d pods", len(pods.Items))
		}
		return err
	})
	s.await("pods", s.enough)
}

// replicas waits until exactly two serve, and are called.
func (s *soak) replicas() []*injector.Injector {
	s.t.Helper()
	var running []*injector.Injector
	s.eventually("two replicas", func(context.Context) error {
		running = s.kubelet.processes()
		for _, process := range running {
			if !s.kubelet.balancer.served(process.Address()) {
				return errors.New("one is not called yet")
			}
		}
		if len(running) != 2 {
			return fmt.Errorf("there are %d", len(running))
		}
		return nil
	})
	return running
}

// rotateLeaf has the webhook's certificate renewed, with another key.
func (s *soak) rotateLeaf() {
	s.t.Helper()
	s.begin("cert-manager renews the certificate")
	s.rotate(s.mounted().SecretName)
	s.served()
	s.await("pods", s.enough)
}

// rotateAuthority has the certificate of the CA renewed, which keeps its key, and then the webhook's, which brings the CA's to the caBundle.
func (s *soak) rotateAuthority() {
	s.t.Helper()
	s.begin("cert-manager renews the CA, then the certificate")
	before := s.bundle()
	s.rotate(s.fullname() + "-ca")
	s.rotate(s.mounted().SecretName)
	s.eventually("another caBundle", func(context.Context) error {
		if bytes.Equal(s.bundle(), before) {
			return errors.New("it is still the same")
		}
		return nil
	})
	s.served()
	s.await("pods", s.enough)
}

func (s *soak) bundle() []byte {
	s.t.Helper()
	called, err := s.called(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return called.CABundle
}

// rotate waits until there is a new certificate in the Secret, which has the Certificate's name.
func (s *soak) rotate(name string) {
	s.t.Helper()
	secret := func(ctx context.Context) []byte {
		found, err := plane.Client().CoreV1().Secrets(s.namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			s.t.Fatal(err)
		}
		return found.Data["tls.crt"]
	}
	before := secret(s.t.Context())
	s.renew(name)
	s.eventually("another certificate in "+name, func(ctx context.Context) error {
		if bytes.Equal(secret(ctx), before) {
			return errors.New("it is still the same")
		}
		return nil
	})
}

// served waits until each replica serves the certificate of the Secret, and the caBundle vouches for it.
func (s *soak) served() {
	s.t.Helper()
	wanted := s.certificate().Data["tls.crt"]
	s.eventually("the new certificate to be served", func(ctx context.Context) (problems error) {
		for _, process := range s.kubelet.processes() {
			problems = errors.Join(problems, s.serves(ctx, process.Address(), wanted))
		}
		return problems
	})
}

// reconfigureAll changes the configuration, which rolls the Deployment.
func (s *soak) reconfigureAll() {
	s.t.Helper()
	s.begin("the configuration changes")
	const image = "registry.example.com/pcp:next"
	s.set("config.container.image=" + image)
	s.deploy("upgrade", injectorChart)
	s.settle()
	s.begin("the new configuration is in force")
	got, err := s.send(s.t.Context())
	if err != nil || got != image {
		s.t.Errorf("a pod gets the image %q (error: %v), want %q", got, err, image)
	}
}

// kill kills a replica.
func (s *soak) kill() {
	s.t.Helper()
	s.disturb(s.replicas()[0], syscall.SIGKILL, "a replica is killed")
	s.begin("the other replica serves, and then the restarted one too")
	s.replicas()
	s.await("pods", s.enough)
}

// freeze stops a replica for longer than the webhook's timeout. Once its endpoint is withdrawn, the API server still uses the connections
// that it has to it; each fails once.
func (s *soak) freeze() {
	s.t.Helper()
	victim := s.replicas()[0]
	s.disturb(victim, syscall.SIGSTOP, "a replica freezes")
	p := s.begin("the other replica serves alone")
	_, open := s.kubelet.balancer.connections(victim.Address())
	s.limit(p, open, "one for each connection to the frozen replica that the API server still had")
	pause(s.t.Context(), s.timeout()+time.Second)
	s.await("pods", s.enough)
	s.begin("the frozen replica goes on")
	if err := syscall.Kill(victim.ID(), syscall.SIGCONT); err != nil {
		s.t.Fatal(err)
	}
	s.replicas()
	s.await("pods", s.enough)
}

// disturb sends the signal to the replica, and returns when no new connections go there. Until then pods may fail: one for each
// connection to the replica.
func (s *soak) disturb(victim *injector.Injector, signal syscall.Signal, name string) {
	s.t.Helper()
	balancer, address := s.kubelet.balancer, victim.Address()
	p := s.begin(name)
	before, open := balancer.connections(address)
	if err := syscall.Kill(victim.ID(), signal); err != nil {
		s.t.Fatal(err)
	}
	s.eventually("the replica to be out of service", func(context.Context) error {
		if balancer.served(address) {
			return errors.New("it is still called")
		}
		return nil
	})
	after, _ := balancer.connections(address)
	s.limit(p, open+after-before, "one for each connection that the replica had, or was to get before its endpoint was withdrawn")
}

// timeout is the webhook's.
func (s *soak) timeout() time.Duration {
	s.t.Helper()
	found, err := plane.Client().AdmissionregistrationV1().MutatingWebhookConfigurations().Get(s.t.Context(), s.fullname()+"."+s.namespace, metav1.GetOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	return time.Duration(*found.Webhooks[0].TimeoutSeconds) * time.Second
}

// restartAPIServer: while it is away, nobody creates pods; the webhook is never to blame.
func (s *soak) restartAPIServer() {
	s.t.Helper()
	p := s.begin("the API server is killed and started again")
	s.mutex.Lock()
	p.away = true
	s.mutex.Unlock()
	if err := plane.RestartAPIServer(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.begin("the API server is back")
	s.replicas()
	s.await("pods", s.enough)
}

// report prints what became of the pods of each phase, and fails if more failed than may.
func (s *soak) report() {
	s.t.Helper()
	var text strings.Builder
	table := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "while\tadmitted\tfailed\tmay fail\tslowest")
	for _, p := range s.phases {
		fmt.Fprintf(table, "%s\t%d\t%d\t%s\t%s\n", p.name, p.admitted, p.failed, p.allowed(), p.slowest.Round(time.Millisecond))
		if p.excess() {
			s.t.Errorf("%d pods failed while %s, %s may (%s); the first: %v", p.failed, p.name, p.allowed(), p.why, p.first)
		}
	}
	if err := table.Flush(); err != nil {
		s.t.Error(err)
	}
	s.t.Logf("pods that asked for PCP:\n%s", &text)
}

func (p *phase) allowed() string {
	if p.away {
		return "any"
	}
	return strconv.Itoa(p.limit)
}

func (p *phase) excess() bool {
	if p.away {
		return p.blamed > 0
	}
	return p.failed > p.limit
}
