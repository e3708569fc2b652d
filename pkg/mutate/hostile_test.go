package mutate_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// TestHostilePods: anyone who may create pods can send millions of mistakes. They are refused in few words, and a pod as large as the API
// server accepts must not take longer than the test waits.
func TestHostilePods(t *testing.T) {
	t.Parallel()
	const many = 200_000
	annotation := func(key, value string) func(*mutate.Pod) {
		return func(pod *mutate.Pod) { pod.Metadata.Annotations[key] = value }
	}
	cases := map[string]struct {
		edit func(*mutate.Pod)
		want string
	}{
		"annotations beyond the limit": {annotation("example.com/big", strings.Repeat("x", 300<<10)), "metadata.annotations: Too long"},
		"agents":                       {annotation(mutate.AnnotationDomainAgents, strings.Repeat("!,", many/2)), "metadata.annotations[pcp.io/domain-agents]: Too long"},
		"services":                     {annotation(mutate.AnnotationServices, strings.Repeat("a,", many/2)), "metadata.annotations[pcp.io/services]: Too long"},
		"lines of a source":            {annotation(mutate.OpenMetricsPrefix+"a", strings.Repeat("FILTER: x\n", many/10)), "metadata.annotations[openmetrics.pcp.io/a]: Too long"},
		"sources": {func(pod *mutate.Pod) {
			for n := range 5000 {
				pod.Metadata.Annotations[fmt.Sprintf("%s-%d", mutate.OpenMetricsPrefix, n)] = "x"
			}
		}, "pod: Invalid value: has more than 50 problems"},
		"work on sources": {func(pod *mutate.Pod) {
			for n := range 15 {
				pod.Metadata.Annotations[fmt.Sprintf("%sa%02d", mutate.OpenMetricsPrefix, n)] = "http://a\n" + strings.Repeat("FILTER: INCLUDE METRIC (a|b)_[a-z]+"+strings.Repeat("x", 60)+"\n", 160)
			}
		}, "takes too much work to check, together with what was checked before it"},
		"annotations of an injected pod": {func(pod *mutate.Pod) {
			inject(pod)
			pod.Metadata.Annotations["example.com/big"] = strings.Repeat("x", 300<<10)
		}, "metadata.annotations: Too long"},
		"mounts": {func(pod *mutate.Pod) {
			pod.Spec.Containers[0].VolumeMounts = repeat(mutate.Named{Name: "pcp-host"}, many)
		}, `spec.containers[0].volumeMounts[0].name: Invalid value: "pcp-host"`},
		"containers": {func(pod *mutate.Pod) { pod.Spec.Containers = repeat(mutate.Container{Name: "pcp"}, many) }, `spec.containers[0].name: Invalid value: "pcp"`},
		"volumes":    {func(pod *mutate.Pod) { pod.Spec.Volumes = repeat(mutate.Named{Name: "pcp-x"}, many) }, `spec.volumes[0].name: Invalid value: "pcp-x"`},
		"ports": {func(pod *mutate.Pod) {
			pod.Spec.Containers[0].Ports = repeat(mutate.Port{ContainerPort: mutate.PortPMCD}, many)
		}, "spec.containers[0].ports[0].containerPort: Invalid value: 44321"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := askingPod()
			c.edit(pod)
			decision := decidePod(t, "", pod)
			if decision.Reason != mutate.ReasonIncompatible || !strings.Contains(decision.Explanation(), c.want) {
				t.Errorf("%s: %.200s", decision.Reason, decision.Explanation())
			}
			if len(decision.Problems) > 51 {
				t.Errorf("%d problems, nobody reads them all", len(decision.Problems))
			}
		})
	}
}

// inject makes a pod look as if it were injected.
func inject(pod *mutate.Pod) {
	pod.Metadata.Annotations[mutate.AnnotationStatus] = `{"reason":"Injected"}`
	pod.Spec.Containers = append(pod.Spec.Containers, mutate.Container{Name: mutate.ContainerName})
}

// TestForgedStatus: of a pod that is not the target's, no source is looked at, whatever its status says. A status that no injector would
// write is not read.
func TestForgedStatus(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		owner, status string
		want          mutate.Reason
	}{
		"of another workload":   {"other", `{"reason":"Injected"}`, mutate.ReasonAlreadyInjected},
		"of the target":         {"node-monitor", `{"reason":"Injected"}`, mutate.ReasonIncompatible},
		"too long to be a real": {"other", `{"reason":"Injected","message":"` + strings.Repeat("x", 33<<10) + `"}`, mutate.ReasonNotDesignated},
	} {
		pod := askingPod()
		inject(pod)
		pod.Metadata.Annotations[mutate.AnnotationStatus] = c.status
		pod.Metadata.Annotations[mutate.OpenMetricsPrefix+"a"] = "http://169.254.169.254/"
		req := mutate.Request{Namespace: "monitoring", Owner: &mutate.Owner{Kind: "Deployment", Name: c.owner}, Pod: pod}
		if decision := newInjector(t, "").Decide(req); decision.Reason != c.want {
			t.Errorf("%s: %s, want %s: %s", name, decision.Reason, c.want, decision.Explanation())
		}
	}
}

// TestDiscoveredPathsAreShort: each discovered source repeats the path, so a long one would grow the pod by megabytes.
func TestDiscoveredPathsAreShort(t *testing.T) {
	t.Parallel()
	pod := askingPod()
	pod.Spec.Containers[0].Ports = repeat(mutate.Port{Name: "metrics", ContainerPort: 80}, 64)
	pod.Metadata.Annotations["prometheus.io/scrape"] = "true"
	pod.Metadata.Annotations["prometheus.io/path"] = "/" + strings.Repeat("x", 200<<10)
	decision := decidePod(t, "openMetrics: {discover: true}", pod)
	patch, err := json.Marshal(decision.Patch)
	if err != nil {
		t.Fatal(err)
	}
	if decision.Reason != mutate.ReasonInjected || len(patch) > 64<<10 {
		t.Errorf("%s with a patch of %d bytes", decision.Reason, len(patch))
	}
}

// TestHostileButAllowed: what is not a mistake has limits, too.
func TestHostileButAllowed(t *testing.T) {
	t.Parallel()
	pod := askingPod()
	pod.Spec.Containers[0].Ports = repeat(mutate.Port{Name: "metrics", ContainerPort: 80}, 200_000)
	pod.Spec.Containers[0].Resources.Limits = mutate.Amounts{CPU: json.RawMessage(`"1e-999999999"`), Memory: json.RawMessage(`"1e999999999"`)}
	pod.Spec.Containers[0].Resources.Requests = mutate.Amounts{CPU: json.RawMessage(`"1"`), Memory: json.RawMessage(`"1"`)}
	decision := decidePod(t, "openMetrics: {discover: true}", pod)
	if decision.Reason != mutate.ReasonInjected || len(decision.Patch) > 100 {
		t.Errorf("%s with %d operations", decision.Reason, len(decision.Patch))
	}
}

func askingPod() *mutate.Pod {
	pod := &mutate.Pod{Spec: mutate.Spec{Containers: []mutate.Container{{Name: "app"}}}}
	pod.Metadata.Annotations = map[string]string{mutate.AnnotationInject: "true"}
	return pod
}

func decidePod(t *testing.T, config string, pod *mutate.Pod) mutate.Decision {
	t.Helper()
	owner := &mutate.Owner{Kind: "Deployment", Name: "node-monitor"}
	return newInjector(t, config).Decide(mutate.Request{Namespace: "monitoring", Owner: owner, Pod: pod})
}

func repeat[T any](item T, count int) []T {
	items := make([]T, count)
	for n := range items {
		items[n] = item
	}
	return items
}

// TestDiscoveryWithNothingToDiscover: the API server validates a pod only after admission, so it may have no container. Without pmcd,
// nothing reads sources.
func TestDiscoveryWithNothingToDiscover(t *testing.T) {
	t.Parallel()
	empty := askingPod()
	empty.Spec.Containers = nil
	empty.Metadata.Annotations["prometheus.io/scrape"] = "true"
	empty.Metadata.Annotations["prometheus.io/port"] = "9100"
	if d := decidePod(t, "openMetrics: {discover: true}", empty); d.Reason != mutate.ReasonIncompatible || !strings.Contains(d.Explanation(), "spec.containers: Required value") {
		t.Errorf("a pod without containers: %s: %s", d.Reason, d.Explanation())
	}
	exporter := func() *mutate.Pod {
		pod := askingPod()
		pod.Spec.Containers[0].Ports = []mutate.Port{{Name: "metrics", ContainerPort: 9100}}
		return pod
	}
	chosen := exporter()
	chosen.Metadata.Annotations[mutate.AnnotationServices] = "pmproxy"
	for config, pod := range map[string]*mutate.Pod{
		"openMetrics: {discover: true}\ncontainer: {services: [pmproxy]}": exporter(),
		"openMetrics: {discover: true}":                                   chosen,
	} {
		d := decidePod(t, config, pod)
		for _, op := range d.Patch {
			if strings.Contains(op.Path, "openmetrics") {
				t.Errorf("a source without pmcd: %s", op.Path)
			}
		}
		if d.Reason != mutate.ReasonInjected {
			t.Errorf("%s: %s", d.Reason, d.Explanation())
		}
	}
}
