package toolchain

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sync/errgroup"
)

// maxExecutable and maxChecksums limit what is read from outside. kube-apiserver has 90 MB, and GitHub's JSON about a release with a
// hundred files 200 kB.
const (
	maxExecutable = 1 << 30
	maxChecksums  = 4 << 20
)

// downloaded returns the paths of the tool's commands that were downloaded earlier.
func (s store) downloaded(t tool, commands []string) (map[string]string, error) {
	paths := map[string]string{}
	for _, command := range commands {
		a, err := s.artifact(t, command)
		if err != nil {
			return nil, err
		}
		if a != nil && exists(s.pathOf(a)) {
			paths[command] = s.pathOf(a)
		}
	}
	return paths, nil
}

func (s store) pathOf(a *artifact) string {
	return filepath.Join(s.cache, a.name(s.platform), executable(a.command))
}

// plan is what to download for a tool: all commands or none. What is missing must be compiled, and the compiled executable contains all of
// them.
type plan struct {
	files []*artifact
	sums  []string
}

// plan asks for the published checksums, which are small and show within seconds whether the hosts answer.
func (s store) plan(ctx context.Context, t tool, commands []string) (plan, error) {
	p := plan{files: make([]*artifact, len(commands)), sums: make([]string, len(commands))}
	for n, command := range commands {
		a, err := s.artifact(t, command)
		if err != nil {
			return p, err
		}
		if a == nil {
			return p, errNotPublished
		}
		p.files[n] = a
	}
	ctx, cancel := context.WithTimeout(ctx, s.web.patience.checksums)
	defer cancel()
	// Not with the group's context, because each silent host must be found in the same few seconds.
	var group errgroup.Group
	for n, a := range p.files {
		group.Go(func() (err error) {
			p.sums[n], err = s.checksum(ctx, a)
			return err
		})
	}
	return p, group.Wait()
}

func (s store) checksum(ctx context.Context, a *artifact) (string, error) {
	text, err := s.web.text(ctx, a.sums, maxChecksums)
	if err != nil {
		return "", err
	}
	sum, err := checksumIn(text, a.url)
	if err != nil {
		return "", fmt.Errorf("%s: %w", a.sums, err)
	}
	return sum, nil
}

// download carries out the plan.
func (s store) download(ctx context.Context, t tool, p plan) (paths map[string]string, err error) {
	shown := startTransfer(s.out, t, p.files)
	defer func() { shown.finish(err) }()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(4)
	paths = map[string]string{}
	for n, a := range p.files {
		paths[a.command] = s.pathOf(a)
		group.Go(func() error { return s.fetchOnce(ctx, shown, a, p.sums[n]) })
	}
	return paths, group.Wait()
}

// fetchOnce puts the executable into the cache, unless another process has done so meanwhile.
func (s store) fetchOnce(ctx context.Context, shown *transfer, a *artifact, sum string) (err error) {
	folder := filepath.Join(s.cache, a.name(s.platform))
	unlock, err := Lock(ctx, s.out, folder+".lock", "preparing "+a.command)
	if err != nil {
		return err
	}
	defer unlock()
	if exists(folder) {
		return nil
	}
	part := folder + ".part"
	if err := os.RemoveAll(part); err != nil {
		return fmt.Errorf("failed to remove the remains of an interrupted download: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(part)) }()
	if err := os.MkdirAll(part, 0o755); err != nil {
		return fmt.Errorf("failed to make a folder for %s: %w", a.command, err)
	}
	if err := s.fetch(ctx, shown, a, sum, part); err != nil {
		return err
	}
	if err := os.Rename(part, folder); err != nil {
		return fmt.Errorf("failed to put %s into the cache: %w", a.command, err)
	}
	return nil
}

// fetch leaves the executable in the folder only if it has the published checksum.
func (s store) fetch(ctx context.Context, shown *transfer, a *artifact, sum, folder string) error {
	target := filepath.Join(folder, executable(a.command))
	file := target
	if a.member != "" {
		file += ".tar.gz"
	}
	got, err := s.save(ctx, shown, a.url, file)
	if err != nil {
		return err
	}
	if got != sum {
		return &checksumError{url: a.url, sums: a.sums, want: sum, got: got}
	}
	if a.member == "" {
		return nil
	}
	if err := unpack(file, a.member, target); err != nil {
		return fmt.Errorf("failed to unpack %s: %w", a.url, err)
	}
	return os.Remove(file)
}

// save writes the content of the URL to a file and returns its SHA-256. It retries a broken transfer.
func (s store) save(ctx context.Context, shown *transfer, url, path string) (string, error) {
	var err error
	for range s.web.patience.attempts {
		var sum string
		if sum, err = s.saveOnce(ctx, shown, url, path); err == nil {
			return sum, nil
		}
		if _, broken := errors.AsType[*brokenError](err); !broken {
			break
		}
	}
	return "", err
}

func (s store) saveOnce(ctx context.Context, shown *transfer, url, path string) (sum string, err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return "", fmt.Errorf("failed to keep a download: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	digest, size := sha256.New(), int64(0)
	expect := func(announced int64) { size = announced; shown.expect(size) }
	received, err := s.web.copy(ctx, url, maxExecutable, expect, io.MultiWriter(file, digest, shown))
	if err != nil {
		shown.forget(received, size)
		return "", err
	}
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// unpack writes one member of an archive to a file.
func unpack(archive, member, target string) error {
	file, err := os.Open(archive)
	if err != nil {
		return err
	}
	defer file.Close()
	plain, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("not a gzip file: %w", err)
	}
	for reader := tar.NewReader(plain); ; {
		header, err := reader.Next()
		if err != nil {
			return fmt.Errorf("it has no file %s: %w", member, err)
		}
		if header.Name == member && header.Typeflag == tar.TypeReg {
			return extract(reader, target)
		}
	}
}

func extract(from io.Reader, target string) (err error) {
	file, err := os.OpenFile(target, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	defer func() { err = cmp.Or(err, file.Close()) }()
	size, err := io.Copy(file, io.LimitReader(from, maxExecutable))
	if err == nil && size == maxExecutable {
		return fmt.Errorf("the file is larger than %d bytes", maxExecutable-1)
	}
	return err
}
