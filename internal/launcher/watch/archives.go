//go:build linux

package watch

import (
	"time"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/retention"
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
