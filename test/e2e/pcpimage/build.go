package pcpimage

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/performancecopilot/pcp-injector/test/e2e/imagecache"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

func (i Image) build(ctx context.Context, folder string) error {
	// Namespaces of its own: what a build has mounted and started ends with it, even if it is killed.
	script := append([]string{"unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "build.sh", "root"}, i.arguments()...)
	layer := []string{"tar", "-C", "root", "--numeric-owner", "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "-cf", layerName, "."}
	for _, words := range [][]string{script, layer} {
		cmd := process.Command(words[0], words[1:]...)
		cmd.Dir = folder
		if err := imagecache.Run(ctx, cmd); err != nil {
			return err
		}
	}
	if err := i.pack(filepath.Join(folder, layerName), filepath.Join(folder, imagecache.ArchiveName)); err != nil {
		return fmt.Errorf("failed to pack its files: %w", err)
	}
	return nil
}
