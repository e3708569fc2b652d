package work_test

import (
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/work"
)

// TestBudget: what does not fit is not begun, and nothing is granted after it.
func TestBudget(t *testing.T) {
	t.Parallel()
	budget := work.NewBudget(10)
	for n, c := range []struct {
		steps   int
		granted bool
		spent   int
	}{{4, true, 4}, {6, true, 10}, {0, true, 10}, {1, false, 10}, {0, false, 10}} {
		if got := budget.Spend(c.steps); got != c.granted || budget.Spent() != c.spent || budget.Exceeded() == c.granted {
			t.Errorf("call %d: granted %t with %d spent, want %t with %d", n, got, budget.Spent(), c.granted, c.spent)
		}
	}
	exceeded := work.NewBudget(10)
	if exceeded.Spend(11) || exceeded.Spend(1) || exceeded.Spent() != 0 {
		t.Error("a budget that was exceeded still grants steps")
	}
}
