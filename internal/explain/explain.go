// Package explain finds out why an object gets PCP or not: it takes a snapshot of the cluster through the gates, in the order of the
// cluster. It reads nothing itself.
package explain

import (
	"context"
	"fmt"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// The orders of remedies. A pod is replaced only when all is ready for its successor. The guard also ensures that: it refuses a template
// that asks for PCP while pods would run side by side.
const (
	prepares = iota // touches nothing that runs
	settles         // has one pod run at a time
	adapts          // changes the template in other ways
	asks            // has the template ask, which replaces the pods
	replaces        // replaces the pods
)

// gates in the order of the cluster, each with the order of its remedies.
var gates = []struct {
	name    string
	examine func(*inquiry, context.Context) finding
	order   int
}{
	{"webhook", (*inquiry).webhookGate, prepares},
	{"namespace", (*inquiry).namespaceGate, prepares},
	{"request", (*inquiry).requestGate, asks},
	{"rules", (*inquiry).rulesGate, prepares},
	{"conditions", (*inquiry).conditionsGate, prepares},
	{"endpoints", (*inquiry).endpointsGate, prepares},
	{"answer", (*inquiry).answerGate, prepares},
	{"configuration", (*inquiry).configurationGate, prepares},
	{"target", (*inquiry).targetGate, prepares},
	{"creator", (*inquiry).creatorGate, prepares},
	{"compatibility", (*inquiry).compatibilityGate, adapts},
	{"rollout", (*inquiry).rolloutGate, settles},
	{"policies", (*inquiry).policiesGate, prepares},
	{"pod-security", (*inquiry).podSecurityGate, prepares},
	{"limits", (*inquiry).limitsGate, prepares},
	{"quota", (*inquiry).quotaGate, prepares},
	{"claims", (*inquiry).claimsGate, prepares},
	{"pod", (*inquiry).podGate, replaces},
}

// finding is the result of a gate.
type finding struct {
	result   gate.Result
	evidence string
	remedy   *remedy.Remedy
}

func passed(format string, arguments ...any) finding {
	return finding{gate.Passed, fmt.Sprintf(format, arguments...), nil}
}

func failed(does *remedy.Remedy, format string, arguments ...any) finding {
	return finding{gate.Failed, fmt.Sprintf(format, arguments...), does}
}

func unknown(format string, arguments ...any) finding {
	return finding{gate.Unknown, fmt.Sprintf(format, arguments...), nil}
}

// Explain examines all gates.
func Explain(ctx context.Context, s *snapshot.Snapshot) (*gate.Report, error) {
	q, err := newInquiry(ctx, s)
	if err != nil {
		return nil, err
	}
	report := &gate.Report{Subject: fmt.Sprintf("%s in namespace %s", s.Subject.Argument, s.Subject.Namespace)}
	for _, g := range gates {
		for _, found := range q.examine(ctx, g.name, g.examine) {
			if found.result == gate.Failed {
				q.failures = append(q.failures, g.name)
			}
			if found.remedy != nil {
				found.remedy.NotBefore(g.order)
			}
			report.Gates = append(report.Gates, gate.Gate{Name: g.name, Result: found.result, Evidence: found.evidence, Remedy: found.remedy})
		}
	}
	return report, nil
}

// examine checks a gate. If no release looks after the namespace, no other remedy there would help.
func (q *inquiry) examine(ctx context.Context, name string, gate func(*inquiry, context.Context) finding) []finding {
	if name != "webhook" && name != "namespace" && q.elsewhere() != nil {
		return []finding{unknown("not examined, because no release looks after namespace %s", q.Subject.Namespace)}
	}
	q.further = nil
	first := gate(q, ctx)
	return append([]finding{first}, q.further...)
}
