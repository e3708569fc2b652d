package e2e_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// onEachNode has archives of all nodes in one claim.
const onEachNode = `target: {namespace: NAMESPACE, kind: DaemonSet}
container: {image: IMAGE, listen: AllAddresses}
hostMonitoring: {enabled: true, hostNetwork: true}
persistence: {pmlogger: {accessMode: ReadWriteMany, size: 64Mi}, pmproxy: {type: EmptyDir}}`

// perNode: a DaemonSet's PCP is found by its node, and of archives on a shared claim it removes none but its own.
func perNode(t *testing.T, s *scene) {
	t.Helper()
	s.installInjector(onEachNode)
	deployment := nodeMonitor(nil)
	set := &appsv1.DaemonSet{
		ObjectMeta: deployment.ObjectMeta,
		Spec:       appsv1.DaemonSetSpec{Selector: deployment.Spec.Selector, Template: deployment.Spec.Template},
	}
	if _, err := s.client.AppsV1().DaemonSets(s.namespace).Create(t.Context(), set, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	m := &monitor{scene: s, service: "node-monitor-pcp-nodes", pod: s.awaitReady("")}
	inTheOpen(t, s, m.pod)
	m.foundByNode(t)
	m.keepsOthers(t)
}

// foundByNode: the headless Service's name leads to the pod, and its EndpointSlice says which node the address is on.
func (m *monitor) foundByNode(t *testing.T) {
	t.Helper()
	eventually(t, startLimit, "an answer through the headless Service", func() error {
		output, err := m.ask("pminfo", "-h", m.service, "-f", "pmcd.hostname")
		if err == nil && !strings.Contains(output, "value ") {
			err = errors.New(output)
		}
		return err
	})
	selector := discoveryv1.LabelServiceName + "=" + m.service
	slices, err := m.client.DiscoveryV1().EndpointSlices(m.namespace).List(t.Context(), metav1.ListOptions{LabelSelector: selector})
	if err != nil || len(slices.Items) != 1 || len(slices.Items[0].Endpoints) != 1 {
		t.Fatalf("the headless Service has the endpoints %+v (error: %v), want one", slices, err)
	}
	endpoint := slices.Items[0].Endpoints[0]
	if endpoint.NodeName == nil || *endpoint.NodeName != m.pod.Spec.NodeName || endpoint.Addresses[0] != m.pod.Status.PodIP {
		t.Errorf("the endpoint is %+v, want %s on %s", endpoint, m.pod.Status.PodIP, m.pod.Spec.NodeName)
	}
}

// keepsOthers: what is too old goes from the folder of this node alone, since another node may have another clock, limit or retention.
func (m *monitor) keepsOthers(t *testing.T) {
	t.Helper()
	const plant = `for host in "$(uname -n)" another; do
			mkdir -p "$1/$host" && touch -d '15 days ago' "$1/$host/20260101.00.10.meta" && chown -R pcp:pcp "$1/$host" || exit
		done`
	if output, err := m.pcp("sh", "-c", plant, "sh", archiveFolder); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	eventually(t, startLimit, "the removal of this node's old archive", func() error {
		output, err := m.pcp("sh", "-c", `ls -d "$1"/*/20260101.*`, "sh", archiveFolder)
		if want := archiveFolder + "/another/20260101.00.10.meta\n"; err == nil && output != want {
			err = fmt.Errorf("there are %q, want %q", output, want)
		}
		return err
	})
}
