//go:build linux

package watch

import (
	"context"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/retention"
	"github.com/performancecopilot/pcp-injector/internal/launcher/state"
)

// Archives are pmlogger's, and what they may take. With a volume that several hosts share, those of the others are theirs.
func Archives(pcp *installation.Installation, o *options.Options, hostname string) (retention.Folder, retention.Policy) {
	const day = 24 * time.Hour
	folder := retention.Folder{Path: pcp.InRoot(pcp.Path(installation.ArchiveDir))}
	if o.Archives.Shared {
		folder.Host = hostname
	}
	return folder, retention.Policy{Limit: o.Archives.Limit, Age: time.Duration(o.Archives.Days) * day}
}

// Received are archives that others pushed to pmproxy.
func Received(pcp *installation.Installation) retention.Folder {
	return retention.Folder{Path: pcp.InRoot(pcp.Received()), Hidden: true}
}

// Keeper keeps pmlogger's archives within their limit.
type Keeper struct {
	Folder retention.Folder
	Policy retention.Policy
	// Rotate has pmlogger start a new archive.
	Rotate func() error
	Logger *slog.Logger

	found atomic.Pointer[state.Archives]
}

// State is what the last look found: nil before the first.
func (k *Keeper) State() *state.Archives { return k.found.Load() }

// Keep is a round.
func (k *Keeper) Keep(context.Context) error {
	contents, err := k.look()
	if err != nil {
		return err
	}
	plan := k.Policy.Watch(contents, time.Now())
	if err := k.Folder.Do(plan, k.Logger); err != nil {
		return err
	}
	if plan.Rotate {
		return k.Rotate()
	}
	return nil
}

// MakeRoom is done before pmlogger starts.
func (k *Keeper) MakeRoom() error {
	contents, err := k.look()
	if err != nil {
		return err
	}
	return k.Folder.Do(k.Policy.MakeRoom(contents, time.Now()), k.Logger)
}

func (k *Keeper) look() (*retention.Contents, error) {
	contents, err := k.Folder.Look()
	if err != nil {
		return nil, err
	}
	found := &state.Archives{Count: len(contents.Archives), Bytes: contents.Archived(), Limit: k.Policy.LimitOf(contents)}
	if days, known := k.Policy.DaysThatFit(contents, time.Now()); known {
		found.DaysThatFit = &days
	}
	k.found.Store(found)
	return contents, nil
}

// Receive is a round that keeps what others push from filling pmproxy's volume.
func Receive(folder retention.Folder, logger *slog.Logger) error {
	contents, err := folder.Look()
	if err != nil {
		return err
	}
	return folder.Do(retention.Received(contents), logger)
}

// EndPMLogger has systemd start pmlogger again, with a new archive.
func EndPMLogger(pcp *installation.Installation) error {
	pid, err := processOf(pcp, options.PMLogger)
	if err != nil {
		return err
	}
	return os.NewSyscallError("kill", syscall.Kill(pid, syscall.SIGTERM))
}
