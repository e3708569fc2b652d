// Package explain finds out why an object gets PCP or not: it takes a snapshot of the cluster through the gates in the order in
// which the cluster comes to them. It reads nothing itself.
package explain

import (
	"context"
	"fmt"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// gates in the order in which the cluster comes to them.
var gates = []struct {
	name    string
	examine func(*inquiry, context.Context) finding
}{
	{"webhook", (*inquiry).webhookGate},
	{"namespace", (*inquiry).namespaceGate},
	{"request", (*inquiry).requestGate},
	{"rules", (*inquiry).rulesGate},
	{"conditions", (*inquiry).conditionsGate},
	{"endpoints", (*inquiry).endpointsGate},
	{"answer", (*inquiry).answerGate},
	{"configuration", (*inquiry).configurationGate},
	{"target", (*inquiry).targetGate},
	{"creator", (*inquiry).creatorGate},
	{"compatibility", (*inquiry).compatibilityGate},
	{"rollout", (*inquiry).rolloutGate},
	{"policies", (*inquiry).policiesGate},
	{"pod-security", (*inquiry).podSecurityGate},
	{"limits", (*inquiry).limitsGate},
	{"quota", (*inquiry).quotaGate},
	{"claims", (*inquiry).claimsGate},
	{"pod", (*inquiry).podGate},
}

// finding is what a gate comes to.
type finding struct {
	result   gate.Result
	evidence string
	remedy   *gate.Remedy
}

func passed(format string, arguments ...any) finding {
	return finding{gate.Passed, fmt.Sprintf(format, arguments...), nil}
}

func failed(remedy *gate.Remedy, format string, arguments ...any) finding {
	return finding{gate.Failed, fmt.Sprintf(format, arguments...), remedy}
}

func unknown(format string, arguments ...any) finding {
	return finding{gate.Unknown, fmt.Sprintf(format, arguments...), nil}
}

func do(advice string, commands ...string) *gate.Remedy {
	return &gate.Remedy{Advice: advice, Commands: commands}
}

// Explain examines all gates.
func Explain(ctx context.Context, s *snapshot.Snapshot) (*gate.Report, error) {
	q, err := newInquiry(ctx, s)
	if err != nil {
		return nil, err
	}
	report := &gate.Report{Subject: fmt.Sprintf("%s in namespace %s", s.Subject.Argument, s.Subject.Namespace)}
	for _, g := range gates {
		found := g.examine(q, ctx)
		report.Gates = append(report.Gates, gate.Gate{Name: g.name, Result: found.result, Evidence: found.evidence, Remedy: found.remedy})
	}
	return report, nil
}
