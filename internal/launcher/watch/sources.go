//go:build linux

package watch

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
)

// Sources asks the agent openmetrics for its sources, which it learns of when somebody asks. pmlogger asks only for what it knows.
type Sources struct {
	// Announced is a file whose coming and going makes the agent mmv announce new metrics.
	Announced string
	// Run runs a program of PCP's.
	Run func(ctx context.Context, stdin, name string, args ...string) (string, error)
}

// NewSources are those of an installation.
func NewSources(pcp *installation.Installation) *Sources {
	return &Sources{Announced: pcp.InRoot(pcp.Path(installation.TmpDir, "mmv/announced")), Run: runProgram}
}

// notArchived is in the answer of pmlc if pmlogger knows a metric, and does not archive it.
var notArchived = regexp.MustCompile(`(?m)^ +(adv|mand) +off`)

// Ask is a round. When an agent announces new metrics, pmlogger looks for them once, even if it finds none: then they are announced again.
func (s *Sources) Ask(ctx context.Context) error {
	if _, err := s.Run(ctx, "", "pminfo", "-f", "openmetrics.control.status"); err != nil {
		return err
	}
	answer, err := s.Run(ctx, "query openmetrics\n", "pmlc", "-P")
	if err != nil || !notArchived.MatchString(answer) {
		return err
	}
	return s.announce(ctx)
}

func (s *Sources) announce(ctx context.Context) error {
	if err := os.WriteFile(s.Announced, nil, 0o600); err != nil {
		return err
	}
	if err := os.Remove(s.Announced); err != nil {
		return err
	}
	_, err := s.Run(ctx, "", "pminfo", "-f", "mmv.control.files")
	return err
}

// programLimit: the agent asks each source for 2 s at most, one after the other.
const programLimit = time.Minute

func runProgram(ctx context.Context, stdin, name string, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, programLimit)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...) //nolint:gosec // the names are this package's
	cmd.Stdin = strings.NewReader(stdin)
	output, err := cmd.Output()
	if failed, ok := errors.AsType[*exec.ExitError](err); ok {
		err = errors.New(filepath.Base(name) + ": " + lastLine(failed.Stderr))
	}
	return string(output), err
}

// lastLine of what a program says is why it fails.
func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}
