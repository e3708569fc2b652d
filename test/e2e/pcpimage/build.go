package pcpimage

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// abandoned is the age of a folder whose build was killed: none takes as long.
const abandoned = 2 * time.Hour

// build works in a folder beside the archive, and renames it when it is complete.
func (i Image) build(ctx context.Context, cache, path string) (err error) {
	if err := sweep(cache); err != nil {
		return err
	}
	work, err := os.MkdirTemp(cache, "build-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	for name, content := range map[string][]byte{"build.sh": script, "entrypoint.sh": entrypoint} {
		if err := os.WriteFile(filepath.Join(work, name), content, 0o755); err != nil {
			return err
		}
	}
	// Namespaces of its own: what a build has mounted and started ends with it, even if it is killed.
	command := append([]string{"--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "build.sh", "root"}, i.arguments()...)
	if err := run(ctx, work, "unshare", command...); err != nil {
		return err
	}
	if err := run(ctx, work, "tar", "-C", "root", "--numeric-owner", "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "-cf", layerName, "."); err != nil {
		return err
	}
	archive := filepath.Join(work, "archive.tar")
	if err := i.pack(filepath.Join(work, layerName), archive); err != nil {
		return fmt.Errorf("failed to pack its files: %w", err)
	}
	return os.Rename(archive, path)
}

// sweep removes the folders of builds that were killed.
func sweep(cache string) error {
	folders, err := filepath.Glob(filepath.Join(cache, "build-*"))
	if err != nil {
		return err
	}
	var old []string
	for _, folder := range folders {
		if info, err := os.Stat(folder); err == nil && time.Since(info.ModTime()) > abandoned {
			old = append(old, folder)
		}
	}
	return removeAll(old)
}

func removeAll(paths []string) (problems error) {
	for _, path := range paths {
		problems = errors.Join(problems, os.RemoveAll(path))
	}
	return problems
}

// run tells a command's output only when it fails.
func run(ctx context.Context, folder, name string, arguments ...string) error {
	output, err := os.Create(filepath.Join(folder, name+".log"))
	if err != nil {
		return err
	}
	defer output.Close()
	cmd := process.Command(name, arguments...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = folder, output, output
	if err := process.Run(ctx, cmd); err != nil {
		const length = 3000
		text, _ := os.ReadFile(output.Name())
		return fmt.Errorf("%s: %w\n%s", name, err, text[max(0, len(text)-length):])
	}
	return nil
}
