// Package imagecache keeps archives of images in the user's cache, each under a key that changes with what it is made of: an archive
// is built if it is not there, and those that nobody has asked for in a day are removed.
package imagecache

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// ArchiveName is the file that an image's Build makes.
const ArchiveName = "archive.tar"

const (
	// unused is how long an archive of another key is kept: another checkout may still ask for it, or be about to import it.
	unused = 24 * time.Hour
	// abandoned is the age of a folder whose build was killed: none takes as long.
	abandoned   = 2 * time.Hour
	buildPrefix = "build-"
	keyLength   = 16
)

// Image is an image that can be built.
type Image struct {
	// Name is what its archives are called in the cache, before the key: pcp-trixie.
	Name string
	// Key is of the function Key, of all that the image is made of.
	Key string
	// Files are written to the build's folder beforehand, by name.
	Files map[string][]byte
	// Build makes the archive, in the format of docker save and called ArchiveName, in a folder that is removed afterwards.
	Build func(ctx context.Context, folder string) error
}

// Key returns 16 hexadecimal digits, other ones for other parts or another order.
func Key(parts ...[]byte) string {
	sum := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(sum, "%d\n%s", len(part), part)
	}
	return hex.EncodeToString(sum.Sum(nil))[:keyLength]
}

// Archive returns the path of the image's archive in the user's cache, which it builds if it is not there. It stays for a day at
// least after the last call for it, of whichever process. The error is that of the build, or says that there is no cache.
func (i Image) Archive(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep images in: %w: set HOME or XDG_CACHE_HOME", err)
	}
	return i.archive(ctx, filepath.Join(cache, "pcp-injector", "images"))
}

func (i Image) archive(ctx context.Context, cache string) (string, error) {
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	path := filepath.Join(cache, i.Name+"-"+i.Key+".tar")
	// The time of its last change is that of its last use. It is set, not looked up first, so nobody removes the archive in between.
	now := time.Now()
	err := os.Chtimes(path, now, now)
	// Before a build, which may need the space.
	if err := i.tidy(cache); err != nil {
		return "", err
	}
	if errors.Is(err, os.ErrNotExist) {
		err = i.build(ctx, cache, path)
	}
	if err != nil {
		return "", err
	}
	return path, nil
}

// build works in a folder beside the archive, and renames it when it is complete.
func (i Image) build(ctx context.Context, cache, path string) (err error) {
	work, err := os.MkdirTemp(cache, buildPrefix)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	for name, content := range i.Files {
		if err := os.WriteFile(filepath.Join(work, name), content, 0o600); err != nil {
			return err
		}
	}
	if err := i.Build(ctx, work); err != nil {
		return fmt.Errorf("failed to build the image %s: %w", i.Name, err)
	}
	return os.Rename(filepath.Join(work, ArchiveName), path)
}

// tidy removes the image's archives that are out of use, and the folders of builds that were killed, of whatever image.
func (i Image) tidy(cache string) error {
	return errors.Join(
		removeOlder(filepath.Join(cache, i.Name+"-"+strings.Repeat("[0-9a-f]", keyLength)+".tar"), unused),
		removeOlder(filepath.Join(cache, buildPrefix+"*"), abandoned),
	)
}

// removeOlder does not mind that another process removes the same.
func removeOlder(pattern string, age time.Duration) error {
	paths, err := filepath.Glob(pattern)
	for _, path := range paths {
		if info, statErr := os.Stat(path); statErr == nil && time.Since(info.ModTime()) > age {
			err = errors.Join(err, os.RemoveAll(path))
		}
	}
	return err
}

// Run runs a command of a build and keeps what it prints, unless the command has other plans for its standard output, for the error if
// it fails, which quotes the end of it.
func Run(ctx context.Context, cmd *exec.Cmd) error {
	said := &bytes.Buffer{}
	cmd.Stderr = said
	if cmd.Stdout == nil {
		cmd.Stdout = said
	}
	if err := process.Run(ctx, cmd); err != nil {
		const length = 3000
		text := said.Bytes()
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, text[max(0, len(text)-length):])
	}
	return nil
}
