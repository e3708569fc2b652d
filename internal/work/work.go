// Package work bounds what a check may cost. It counts steps and knows no clock, so the same text gets the same answer on every machine.
package work

// Budget is how many steps are left for work on text that others wrote. One step is roughly a byte that is looked at.
type Budget struct {
	left, spent int
	exceeded    bool
}

// NewBudget grants a number of steps.
func NewBudget(steps int) *Budget { return &Budget{left: steps} }

// Spend takes the steps, and reports whether they were left. Call it before the work. Once a budget is exceeded, it grants nothing more.
func (b *Budget) Spend(steps int) bool {
	b.exceeded = b.exceeded || steps > b.left
	if b.exceeded {
		return false
	}
	b.left -= steps
	b.spent += steps
	return true
}

// Exceeded reports whether there was more work than the budget grants.
func (b *Budget) Exceeded() bool { return b.exceeded }

// Spent is how many steps were taken.
func (b *Budget) Spent() int { return b.spent }
