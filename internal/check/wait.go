package check

import (
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/gate"
)

// Awaited are the names of the gates that have not passed, but may pass by themselves as the cluster catches up. Others wait for a human.
func Awaited(reports []*gate.Report) []string {
	var names []string
	for _, report := range reports {
		for n := range report.Gates {
			if g := &report.Gates[n]; comes(g) && !slices.Contains(names, g.Name) {
				names = append(names, g.Name)
			}
		}
	}
	return names
}

func comes(g *gate.Gate) bool {
	switch {
	case g.Result == gate.Passed || g.Name == "version" || g.Name == "right":
		return false
	case g.Result == gate.Unknown:
		return !strings.HasPrefix(g.Evidence, "unknown, because you lack a right")
	default:
		return true
	}
}
