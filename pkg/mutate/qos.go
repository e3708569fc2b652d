package mutate

import (
	"bytes"
	"encoding/json"
	"regexp"

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
		for n := range list {
			r := &list[n].Resources
			guaranteed = guaranteed && isGuaranteed(r.Limits.CPU, r.Requests.CPU) && isGuaranteed(r.Limits.Memory, r.Requests.Memory)
			some = some || isSome(r.Requests.CPU) || isSome(r.Requests.Memory) || isSome(r.Limits.CPU) || isSome(r.Limits.Memory)
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

// isSome: not absent, and not zero.
func isSome(amount json.RawMessage) bool { return bytes.ContainsAny(amount, "123456789") }

// isGuaranteed: a limit, and a request, which defaults to the limit, equal to it.
func isGuaranteed(limit, request json.RawMessage) bool {
	if !isSome(limit) {
		return false
	}
	if request == nil || bytes.Equal(limit, request) {
		return true
	}
	most, least := quantity(limit), quantity(request)
	return most.Cmp(least) == 0
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
