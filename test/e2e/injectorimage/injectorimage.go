// Package injectorimage builds the webhook's image from the project's own Dockerfile, with Debian's buildah and without a
// registry. Where docker build takes the public image golang:1.26, the builder is this machine's Go; the base is scratch, as
// it is by default. That the Dockerfile works is therefore proven, but not with that image.
package injectorimage

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

const (
	// Name is the image's.
	Name = "localhost/pcp-injector:e2e"
	// Version is what the webhook in the image says that it is: always the same, so that a commit alone does not change the image.
	Version = "v0.0.0-e2e"
)

var (
	//go:embed build.sh
	script []byte
	//go:embed Builder.Dockerfile
	builder []byte
)

// Archive returns the path of an archive with the image, in the format of docker save. It is built, as root and with Debian's
// packages buildah and busybox-static, if it is not in the user's cache, under a name that changes with what it is made of;
// older ones are removed. progress is told of a build. It must be called from within the project.
func Archive(ctx context.Context, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep images in: %w: set HOME or XDG_CACHE_HOME", err)
	}
	folder := filepath.Join(cache, "pcp-injector", "images")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	goes, err := findGo(ctx)
	if err != nil {
		return "", err
	}
	hash, err := key(ctx, goes)
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, "pcp-injector-"+hash+".tar")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Fprintln(progress, "building the webhook's image from its Dockerfile: seconds, or a minute the first time; kept in the cache afterwards")
	if err := build(ctx, folder, path, goes); err != nil {
		return "", fmt.Errorf("failed to build the webhook's image: %w", err)
	}
	return path, removeOthers(path)
}

// build works in a folder beside the archive, and renames it when it is complete.
func build(ctx context.Context, cache, path string, goes goSettings) (err error) {
	work, err := os.MkdirTemp(cache, "build-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	for name, content := range map[string][]byte{"build.sh": script, "Builder.Dockerfile": builder} {
		if err := os.WriteFile(filepath.Join(work, name), content, 0o600); err != nil {
			return err
		}
	}
	// In the image, Go has no network.
	if _, err := goOutput(ctx, goes.project(), "mod", "download"); err != nil {
		return err
	}
	// Whatever is mounted during the build is not in this namespace, where removing the folder would reach through it.
	cmd := process.Command("unshare", "--mount", "sh", "build.sh", goes.project(), Name, Version, goes.GOARCH, goes.GOROOT, goes.GOMODCACHE, goes.GOCACHE)
	cmd.Dir = work
	if _, err := output(ctx, cmd); err != nil {
		return err
	}
	return os.Rename(filepath.Join(work, "archive.tar"), path)
}

// removeOthers removes the archives of older trees: they are of no use to anybody.
func removeOthers(path string) error {
	archives, err := filepath.Glob(filepath.Join(filepath.Dir(path), "pcp-injector-*.tar"))
	if err != nil {
		return err
	}
	for _, archive := range archives {
		if archive == path {
			continue
		}
		if err := os.Remove(archive); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
