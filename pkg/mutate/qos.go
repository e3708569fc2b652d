package mutate

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// The quality-of-service classes of pods, found as in
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/apis/core/v1/helper/qos/qos.go.
const (
	qosGuaranteed = "Guaranteed"
	qosBurstable  = "Burstable"
	qosBestEffort = "BestEffort"
)

func qosBefore(pod *Pod) string {
	return qosOf(pod.Spec.Containers, pod.Spec.InitContainers)
}

func qosAfter(pod *Pod, s *sidecar) string {
	return qosOf(pod.Spec.Containers, pod.Spec.InitContainers, []Container{{Resources: s.resources}})
}

func qosOf(lists ...[]Container) string {
	guaranteed, some := true, false
	for _, list := range lists {
		for _, c := range list {
			guaranteed = guaranteed && isGuaranteed(c.Resources)
			some = some || hasCompute(c.Resources.Requests) || hasCompute(c.Resources.Limits)
		}
	}
	switch {
	case !some:
		return qosBestEffort
	case guaranteed:
		return qosGuaranteed
	}
	return qosBurstable
}

var computeResources = []string{"cpu", "memory"}

func hasCompute(amounts map[string]json.RawMessage) bool {
	return slices.ContainsFunc(computeResources, func(name string) bool {
		amount := quantity(amounts[name])
		return !amount.IsZero()
	})
}

// isGuaranteed: limits for both, and requests, which default to the limits, equal to them.
func isGuaranteed(r Resources) bool {
	for _, name := range computeResources {
		limit := quantity(r.Limits[name])
		if limit.IsZero() {
			return false
		}
		if request, present := r.Requests[name]; present && limit.Cmp(quantity(request)) != 0 {
			return false
		}
	}
	return true
}

var quantityForm = regexp.MustCompile(config.QuantityPattern)

// quantity reads an amount; what is none counts as absent, since the API server will refuse it anyway. The form is checked
// before: Kubernetes' own parser takes minutes over 1e-999999999.
func quantity(raw json.RawMessage) resource.Quantity {
	text := bytes.Trim(raw, `"`)
	if !quantityForm.Match(text) {
		return resource.Quantity{}
	}
	amount, err := resource.ParseQuantity(string(text))
	if err != nil {
		return resource.Quantity{}
	}
	return amount
}
