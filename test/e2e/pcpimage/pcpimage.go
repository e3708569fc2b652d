// Package pcpimage builds a PCP image from Debian's packages, without a registry and without a container engine: its file
// system comes from debootstrap, its metadata honors the contract of upstream's image (build/containers/pcp).
package pcpimage

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

const (
	// Suite is the release of Debian that the packages come from: PCP 6.3.8.
	Suite = "trixie"
	// Name is the image's.
	Name = "localhost/pcp:" + Suite
	// Pause is the name of a second image with the same files that only sleeps: what holds a pod's namespaces.
	Pause = "localhost/pause:" + Suite
)

var (
	//go:embed build.sh
	script []byte
	//go:embed entrypoint.sh
	entrypoint []byte
)

// Archive returns the path of an archive with both images, in the format of docker save. It is built if it is not in the
// user's cache, under a name that changes with what it is made of.
func Archive(ctx context.Context, progress io.Writer) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep images in: %w: set HOME or XDG_CACHE_HOME", err)
	}
	folder := filepath.Join(cache, "pcp-injector", "images")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(folder, "pcp-"+Suite+"-"+key()+".tar")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	fmt.Fprintf(progress, "building a PCP image from the packages of Debian %s: 1 to 2 minutes; kept in the cache afterwards\n", Suite)
	return path, build(ctx, folder, path)
}

// key changes with the content of the images, Debian's updates aside: remove the archive to get those.
func key() string {
	sum := sha256.New()
	for _, part := range [][]byte{script, entrypoint, []byte(Suite), fmt.Append(nil, settings())} {
		fmt.Fprintf(sum, "%d\n%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))[:16]
}

// build works in a folder beside the archive, and renames it when it is complete.
func build(ctx context.Context, cache, path string) (err error) {
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
	root, layer := filepath.Join(work, "root"), filepath.Join(work, layerName)
	if err := run(ctx, work, "bash", "build.sh", root, "entrypoint.sh", Suite); err != nil {
		return err
	}
	if err := run(ctx, work, "tar", "-C", root, "--numeric-owner", "--exclude=./dev/*", "--exclude=./proc/*", "--exclude=./sys/*", "-cf", layer, "."); err != nil {
		return err
	}
	archive := filepath.Join(work, "archive.tar")
	if err := pack(layer, archive); err != nil {
		return fmt.Errorf("failed to pack the image: %w", err)
	}
	return os.Rename(archive, path)
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
		return fmt.Errorf("failed to build the PCP image: %s: %w\n%s", name, err, text[max(0, len(text)-length):])
	}
	return nil
}
