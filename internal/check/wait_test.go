package check

import (
	"slices"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

// TestAwaited: what time cannot fix is not awaited.
func TestAwaited(t *testing.T) {
	t.Parallel()
	reports := []*gate.Report{
		{Gates: []gate.Gate{
			passed("webhook", "there"), warning("version", nil, "the webhook is older"), warning("replicas", nil, "1 of 2 pods ready"),
			unknown("quota", "unknown, because you lack a right: no"), failed("answer", nil, "not yet"),
		}},
		{Gates: []gate.Gate{unknown("pmcd", "unknown, because it could not be read: no answer"), failed("answer", nil, "not yet"), unknown("right", "you may not get pods")}},
	}
	if got, want := Awaited(reports), []string{"replicas", "answer", "pmcd"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}
