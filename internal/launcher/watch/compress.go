//go:build linux

package watch

import (
	"context"
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/retention"
)

// Compressor compresses archives that are complete, one file a round, so that it never takes much of a processor at a time. In a privileged
// container, PCP's own daily run does it.
type Compressor struct {
	Folder retention.Folder
	// Program and its arguments, to which the file's name is added.
	Program []string
	// Run runs a program of PCP's.
	Run func(ctx context.Context, stdin, name string, args ...string) (string, error)
}

// complete is the age of an archive that nobody writes to any more, and few read: PCP's daily run leaves the last day alone, too.
const complete = 24 * time.Hour

// compressible are the files that take space: PCP reads the index without a detour.
var compressible = regexp.MustCompile(`\.(meta|\d+)$`)

// zstdSince is the first version whose own daily run prefers zstd.
var zstdSince = installation.Version{7, 0, 0}

// CompressionOf is the program that PCP's daily run would take; none, if the image has neither.
func CompressionOf(pcp *installation.Installation) []string {
	version, err := pcp.Version()
	if _, missing := exec.LookPath("zstd"); missing == nil && err == nil && !version.Before(zstdSince) {
		return []string{"zstd", "--quiet", "--rm", "--"}
	}
	if _, missing := exec.LookPath("xz"); missing == nil {
		return []string{"xz", "--quiet", "-0", "--"}
	}
	return nil
}

// Compress is a round.
func (c *Compressor) Compress(ctx context.Context) error {
	contents, err := c.Folder.Look()
	if err != nil {
		return err
	}
	file := next(contents, time.Now())
	if file == "" {
		return nil
	}
	_, err = c.Run(ctx, "", c.Program[0], append(c.Program[1:len(c.Program):len(c.Program)], filepath.Join(c.Folder.Path, file))...)
	return err
}

// next is the file to compress: the oldest archive's first. The archive that was written last may be written again.
func next(contents *retention.Contents, now time.Time) string {
	for n := len(contents.Archives) - 1; n > 0; n-- {
		archive := contents.Archives[n]
		if now.Sub(archive.Written) < complete {
			return ""
		}
		for _, file := range archive.Files {
			if compressible.MatchString(file) {
				return file
			}
		}
	}
	return ""
}
