//go:build linux

package preparation

import (
	"fmt"
	"log/slog"

	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
)

// Preparation is one thing that is done before PCP starts.
type Preparation struct {
	// Name is what the log and the launcher's state call it.
	Name string
	// Reason says why it is done.
	Reason string
	// Optional: PCP may start without it.
	Optional bool

	applies bool
	do      func() error
}

// Do does what applies, in order, and logs a line for each. It stops at the first that fails and that PCP must not start without.
func Do(preparations []Preparation, logger *slog.Logger) ([]state.Preparation, error) {
	var results []state.Preparation
	for _, p := range preparations {
		if !p.applies {
			continue
		}
		result, err := state.Preparation{Name: p.Name, Reason: p.Reason}, p.do()
		switch {
		case err == nil:
			logger.Info("prepared", "name", p.Name, "reason", p.Reason)
		case p.Optional:
			result.Error = err.Error()
			logger.Warn("not prepared, and PCP starts without it", "name", p.Name, "reason", p.Reason, "error", err)
		default:
			return results, fmt.Errorf("PCP does not start: %s: %w: it is needed because %s", p.Name, err, p.Reason)
		}
		results = append(results, result)
	}
	return results, nil
}
