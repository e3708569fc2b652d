package explain

import (
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

// refusals are how the API server names what has refused a pod, with the gates that examine the same.
var refusals = []struct {
	said  string
	gates []string
}{
	{"admission webhook ", []string{"request", "target", "creator", "compatibility"}},
	{"violates PodSecurity", []string{"pod-security"}},
	{"exceeded quota", []string{"quota"}},
	{"failed quota", []string{"quota"}},
	{"ValidatingAdmissionPolicy ", []string{"policies"}},
	{" usage per ", []string{"limits"}},
}

// saidBefore is the failed gate that already says what the API server says of the last attempt to create a pod; empty if none does.
func (q *inquiry) saidBefore(message string) string {
	for _, refusal := range refusals {
		if !strings.Contains(message, refusal.said) {
			continue
		}
		for _, name := range refusal.gates {
			if slices.Contains(q.failures, name) {
				return name
			}
		}
	}
	return ""
}

// notCreated is the finding about a workload whose pods the API server refuses.
func (q *inquiry) notCreated(message string) finding {
	switch before := q.saidBefore(message); {
	case before == "":
		return failed(q.renew(), "the last attempt to create a pod failed: %s", message)
	case before == "compatibility" && q.replacesByItself():
		return finding{gate.Failed, "no pod could be created, because of " + before, nil} // the new template is also a new attempt
	default:
		return failed(q.renew(), "no pod could be created, because of %s", before)
	}
}
