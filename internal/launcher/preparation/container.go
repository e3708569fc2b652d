//go:build linux

package preparation

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
)

// Container is what PCP is prepared in.
type Container struct {
	PCP        *installation.Installation
	Options    *options.Options
	Entrypoint options.Entrypoint
	// WebhookURL is the value of PCP_PMIE_WEBHOOK.
	WebhookURL string
	// Launcher is the path of this program, which systemd starts too.
	Launcher string
	// Hostname is that of the folder in which pmlogger archives.
	Hostname string
	System   System
	Logger   *slog.Logger
}

// System is what is done to the container itself, rather than to its files.
type System interface {
	// MountReadOnly makes a mount read-only. With bind, the folder becomes a mount of its own first.
	MountReadOnly(path string, bind bool) error
	// Writable reports whether a file could be written.
	Writable(path string) bool
	// LeaveControlGroups makes the container's control group the root of those that it sees.
	LeaveControlGroups() error
	// Drop takes capabilities from what this program becomes, for good.
	Drop([]Capability) error
	// Run runs a program of the image, and returns what it prints.
	Run(name string, args ...string) (string, error)
}

const (
	// filesVolume has the administrator's files, each at its own path.
	filesVolume = "/var/lib/pcp-files"
	units       = "/etc/systemd/system"

	folderMode, fileMode = 0o755, 0o644
)

func (c *Container) path(path string) string { return c.PCP.InRoot(path) }

// write replaces a file, and makes the folder that it is in.
func (c *Container) write(path, content string) error {
	if err := os.MkdirAll(filepath.Dir(c.path(path)), folderMode); err != nil {
		return err
	}
	return os.WriteFile(c.path(path), []byte(content), fileMode) //nolint:gosec // PCP's users read it
}

// add appends to a file.
func (c *Container) add(path, content string) error {
	file, err := os.OpenFile(c.path(path), os.O_WRONLY|os.O_APPEND|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	_, err = file.WriteString(content)
	return errors.Join(err, file.Close())
}

// edit changes lines of a file, one at least.
func (c *Container) edit(path, what string, change func(line string) string) error {
	content, err := os.ReadFile(c.path(path))
	if err != nil {
		return err
	}
	var edited strings.Builder
	changed := false
	for line := range strings.Lines(string(content)) {
		text := strings.TrimSuffix(line, "\n")
		after := change(text)
		changed = changed || after != text
		edited.WriteString(after + "\n")
	}
	if !changed {
		return fmt.Errorf("%s has no %s", path, what)
	}
	return c.write(path, edited.String())
}

// dropIn adds lines to a unit of systemd's.
func (c *Container) dropIn(service, name string, lines ...string) error {
	return c.write(filepath.Join(units, service+".service.d", "20-"+name+".conf"), strings.Join(lines, "\n")+"\n")
}

// give hands a file to PCP's user.
func (c *Container) give(path string) error {
	account, err := c.PCP.Account(installation.User)
	if err != nil {
		return err
	}
	return os.Lchown(c.path(path), account.UID, account.GID)
}

// link replaces a file by a link to another one.
func (c *Container) link(target, path string) error {
	temporary := c.path(path) + ".new"
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(target, temporary); err != nil {
		return err
	}
	return os.Rename(temporary, c.path(path))
}
