package gate

import (
	"fmt"

	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

// Finding is what an examination finds out.
type Finding struct {
	Result   Result
	Evidence string
	Remedy   *remedy.Remedy
}

// Found is a finding without a remedy.
func Found(result Result, format string, arguments ...any) Finding {
	return Finding{Result: result, Evidence: fmt.Sprintf(format, arguments...)}
}

// With adds what to do.
func (f Finding) With(what *remedy.Remedy) Finding {
	f.Remedy = what
	return f
}

// Examination is a gate as a value. S is what was read.
type Examination[S any] struct {
	// Name of the gate.
	Name string
	// Needs are those that have to pass first. If one of them has not, nothing would be known, or the same problem would be told twice.
	Needs []*Examination[S]
	// Examine judges what was read.
	Examine func(S) Finding
}

// Examine examines gates in their order, in which each comes after those that it needs.
func Examine[S any](s S, examinations ...*Examination[S]) []Gate {
	passed := map[*Examination[S]]bool{}
	var gates []Gate
	for _, examination := range examinations {
		found := examination.after(s, passed)
		passed[examination] = found.Result == Passed || found.Result == Warning
		gates = append(gates, Gate{Name: examination.Name, Result: found.Result, Evidence: found.Evidence, Remedy: found.Remedy})
	}
	return gates
}

func (e *Examination[S]) after(s S, passed map[*Examination[S]]bool) Finding {
	for _, need := range e.Needs {
		if !passed[need] {
			return Found(Unknown, "not examined, because %s has not passed", need.Name)
		}
	}
	return e.Examine(s)
}
