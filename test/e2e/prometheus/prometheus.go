// Package prometheus runs Debian's Prometheus for tests, without installing it: the package would start a server on the machine.
package prometheus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/performancecopilot/pcp-injector/test/e2e/imagecache"
	"github.com/performancecopilot/pcp-injector/test/toolchain"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// Programs are the paths of what the package has.
type Programs struct{ Server, Promtool string }

// Find unpacks the package in the user's cache if it is not there, which needs Debian's mirror, and root where apt's package lists are missing or too
// old. Remove the folder to get a newer version.
func Find(ctx context.Context, progress io.Writer) (Programs, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return Programs{}, fmt.Errorf("no folder to keep packages in: %w: set HOME or XDG_CACHE_HOME", err)
	}
	folder := filepath.Join(cache, "pcp-injector", "packages", "prometheus")
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return Programs{}, err
	}
	// apt-get update refuses to run twice at a time.
	unlock, err := toolchain.Lock(ctx, progress, folder+".lock", "downloading Debian's package prometheus")
	if err != nil {
		return Programs{}, err
	}
	defer unlock()
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		fmt.Fprintln(progress, "downloading Debian's package prometheus: kept in the cache afterwards")
		err = unpack(ctx, folder)
		if err != nil {
			return Programs{}, fmt.Errorf("failed to get Debian's package prometheus: %w", err)
		}
	}
	programs := filepath.Join(folder, "usr", "bin")
	return Programs{Server: filepath.Join(programs, "prometheus"), Promtool: filepath.Join(programs, "promtool")}, nil
}

// unpack works in a folder beside the given one, and renames it when it is complete.
func unpack(ctx context.Context, folder string) (err error) {
	work, err := os.MkdirTemp(filepath.Dir(folder), "unpack-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	if err := download(ctx, work); err != nil {
		if err := errors.Join(imagecache.Run(ctx, process.Command("apt-get", "update", "--quiet")), download(ctx, work)); err != nil {
			return err
		}
	}
	packages, err := filepath.Glob(filepath.Join(work, "prometheus_*.deb"))
	if err != nil || len(packages) != 1 {
		return fmt.Errorf("apt-get downloaded %q, want one package: %w", packages, err)
	}
	root := filepath.Join(work, "root")
	if err := imagecache.Run(ctx, process.Command("dpkg-deb", "--extract", packages[0], root)); err != nil {
		return err
	}
	return os.Rename(root, folder)
}

func download(ctx context.Context, folder string) error {
	apt := process.Command("apt-get", "download", "--quiet", "prometheus")
	apt.Dir = folder
	return imagecache.Run(ctx, apt)
}
