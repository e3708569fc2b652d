package integration_test

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/performancecopilot/pcp-injector/test/podgen"
)

// TestRandomPods: if the API server accepts a pod, it accepts the injected one, unless the webhook itself refuses it.
func TestRandomPods(t *testing.T) {
	t.Parallel()
	configs := []string{
		"",
		"hostMonitoring: {enabled: true, hostNetwork: true, processDetails: true}\n",
		"container: {placement: NativeSidecar}\npersistence: {fixOwnership: true, pmlogger: {type: HostPath}, pmproxy: {type: Ephemeral}}\n",
		"openMetrics: {discover: true}\nstableHostname: false\npersistence: {pmlogger: {type: EmptyDir}, pmproxy: {type: None}}\n",
	}
	for n, config := range configs {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			t.Parallel()
			e := start(t, "target: {namespace: NAMESPACE, kind: Pod}\n"+config)
			injected := 0
			for seed := range int64(100) {
				if e.compareRandom(t, seed) {
					injected++
				}
			}
			if injected < 30 {
				t.Errorf("only %d of 100 random pods were injected: the test proves little", injected)
			}
		})
	}
}

// compareRandom reports whether the pod was injected. Few originals are refused by the API server itself.
func (e *environment) compareRandom(t *testing.T, seed int64) bool {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(seed), 0))
	pod := podgen.Valid(r)
	raw, err := json.Marshal(pod)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(raw, &object); err != nil {
		t.Fatal(err)
	}
	podgen.Invent(r, object)
	annotations := object["metadata"].(map[string]any)["annotations"].(map[string]any)
	annotations["pcp.io/inject"] = "false"
	if _, err := e.createRaw(t, object); apierrors.IsInvalid(err) {
		return false
	} else if err != nil {
		t.Fatalf("seed %d: %v", seed, err)
	}
	annotations["pcp.io/inject"] = "true"
	created, err := e.createRaw(t, object)
	switch {
	case err == nil:
		return containers(created, "pcp") == 1
	case apierrors.IsInvalid(err) && strings.Contains(err.Error(), e.injector.Name()):
		return false
	}
	t.Errorf("seed %d: the API server does not accept the injected pod: %v\n%s", seed, err, raw)
	return false
}

func (e *environment) createRaw(t *testing.T, object map[string]any) (*corev1.Pod, error) {
	t.Helper()
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	pod := &corev1.Pod{}
	err = e.admin.CoreV1().RESTClient().Post().Namespace(e.namespace).Resource("pods").Param("dryRun", "All").
		SetHeader("Content-Type", "application/json").Body(raw).Do(t.Context()).Into(pod)
	return pod, err
}
