// Package gate holds what is found out about a request for PCP: each gate that it has to pass on its way through the cluster,
// whether it passes, by which evidence, and what mends it if it does not.
package gate

// Result says whether a request passes a gate.
type Result string

// The results.
const (
	Passed Result = "passed"
	Failed Result = "failed"
	// Warning: it works, but not as well as it should, or not for long.
	Warning Result = "warning"
	// Unknown: what decides could not be seen.
	Unknown Result = "unknown"
)

// Gate is one condition of an injection, as it was found.
type Gate struct {
	// Name is stable, for machines: one word, or words joined by dashes.
	Name   string `json:"name"`
	Result Result `json:"result"`
	// Evidence is what was seen, or why nothing was: a sentence without its period.
	Evidence string `json:"evidence"`
	// Remedy is nil for a gate that is passed.
	Remedy *Remedy `json:"remedy,omitempty"`
}

// Report is what was found out about one object.
type Report struct {
	// Subject is the object, as the user named it.
	Subject string `json:"subject"`
	// Gates in the order in which the cluster comes to them.
	Gates []Gate `json:"gates"`
}

// Result is that of all gates together: one that failed decides, then one with a warning, then one that is unknown.
func (r *Report) Result() Result { return Worst(r) }

// Worst is the result of several reports together.
func Worst(reports ...*Report) Result {
	for _, result := range []Result{Failed, Warning, Unknown} {
		for _, r := range reports {
			if r.First(result) != nil {
				return result
			}
		}
	}
	return Passed
}

// First is the first gate with the result, nil if none has it.
func (r *Report) First(result Result) *Gate {
	for n := range r.Gates {
		if r.Gates[n].Result == result {
			return &r.Gates[n]
		}
	}
	return nil
}
