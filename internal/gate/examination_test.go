package gate_test

import (
	"slices"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

// TestExamine: a gate is examined only after all that it needs has passed, and a need that is missing is not passed.
func TestExamine(t *testing.T) {
	t.Parallel()
	always := func(result gate.Result) func(int) gate.Finding {
		return func(seen int) gate.Finding { return gate.Found(result, "saw %d", seen) }
	}
	good := &gate.Examination[int]{Name: "good", Examine: always(gate.Passed)}
	weak := &gate.Examination[int]{Name: "weak", Needs: []*gate.Examination[int]{good}, Examine: always(gate.Warning)}
	bad := &gate.Examination[int]{Name: "bad", Needs: []*gate.Examination[int]{good, weak}, Examine: always(gate.Failed)}
	after := &gate.Examination[int]{Name: "after", Needs: []*gate.Examination[int]{bad}, Examine: always(gate.Passed)}
	lost := &gate.Examination[int]{Name: "lost", Needs: []*gate.Examination[int]{{Name: "absent"}}, Examine: always(gate.Passed)}
	var found []string
	for _, g := range gate.Examine(7, good, weak, bad, after, lost) {
		found = append(found, g.Name+" "+string(g.Result)+": "+g.Evidence)
	}
	want := []string{
		"good passed: saw 7", "weak warning: saw 7", "bad failed: saw 7",
		"after unknown: not examined, because bad has not passed", "lost unknown: not examined, because absent has not passed",
	}
	if !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}
