// Package gate holds the findings about a request for PCP: each gate that it must pass on its way through the cluster, whether it passes,
// the evidence, and the remedy if it does not.
package gate

import "github.com/performancecopilot/pcp-injector/internal/remedy"

// Result says whether a request passes a gate.
type Result string

// The results.
const (
	Passed Result = "passed"
	Failed Result = "failed"
	// Warning: it works, but not as well as it should, or not for long.
	Warning Result = "warning"
	// Unknown: what decides could not be read.
	Unknown Result = "unknown"
)

// Gate is one condition of an injection, and what was found.
type Gate struct {
	// Name is stable, for machines: one word, or words joined by dashes.
	Name   string `json:"name"`
	Result Result `json:"result"`
	// Evidence is what was seen, or why nothing was: a sentence without its period.
	Evidence string `json:"evidence"`
	// Remedy is nil for a passed gate.
	Remedy *remedy.Remedy `json:"remedy,omitempty"`
}

// Report is what was found out about one object.
type Report struct {
	// Subject is the object, as the user named it.
	Subject string `json:"subject"`
	// Gates in the order of the cluster.
	Gates []Gate `json:"gates"`
}

// Result is the result of all gates together: failed if one has failed, else warning, else unknown.
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

// First is the first gate with the result; nil if none has it.
func (r *Report) First(result Result) *Gate {
	for n := range r.Gates {
		if r.Gates[n].Result == result {
			return &r.Gates[n]
		}
	}
	return nil
}
