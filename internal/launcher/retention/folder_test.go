//go:build linux

package retention

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// plant writes files of 8 KiB, or makes links where a name has an arrow, each a minute younger than the one before.
func plant(t *testing.T, folder string, names ...string) {
	t.Helper()
	for n, text := range names {
		name, target, isLink := strings.Cut(text, " -> ")
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if isLink {
			if err := os.Symlink(target, path); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.WriteFile(path, bytes.Repeat([]byte("x"), 8192), 0o600); err != nil {
			t.Fatal(err)
		}
		written := now.Add(time.Duration(n) * time.Minute)
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
}

func look(t *testing.T, f Folder) *Contents {
	t.Helper()
	c, err := f.Look()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func paths(c *Contents) []string {
	found := make([]string, 0, len(c.Archives))
	for _, archive := range c.Archives {
		found = append(found, archive.Path)
	}
	return found
}

// names of everything in a folder.
func names(t *testing.T, folder string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(folder, path)
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func TestLook(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	plant(t, folder,
		"node/20261101.meta.xz", "node/20261101.index", "node/20261101.0.zst", "node/20261101.1.zst",
		"node/20261102.00.10.meta", "node/20261102.00.10.index", "node/20261102.00.10.0",
		"node/20261102.00.10-00.0", "other host/20261103.0",
		// What is none of pmlogger's archives.
		"node/pmlogger.log", "node/pmlogger.log.prev", "node/Latest", "node/20261104.folio", "node/x20261104.0", "node/19991104.0",
		"node/20261104.0.Z", "node/config.20261104.0x", ".snapshot/node/20261104.0", "lost+found/20261104.0",
		"node/20261105.0 -> 20261101.0.zst", "linked -> node",
	)
	c := look(t, Folder{Path: folder})
	want := []string{"other host/20261103", "node/20261102.00.10-00", "node/20261102.00.10", "node/20261101"}
	if diff := cmp.Diff(want, paths(c)); diff != "" {
		t.Errorf("other archives are found (-want +got):\n%s", diff)
	}
	if got := c.Archives[3]; len(got.Files) != 4 || got.Bytes != 4*8192 || !got.Written.Equal(now.Add(3*time.Minute)) {
		t.Errorf("the first archive is %+v", got)
	}
	if len(c.Logs) != 2 || c.Others != 9*8192 || c.Free == 0 {
		t.Errorf("logs %v, %d bytes of others, %d free", c.Logs, c.Others, c.Free)
	}
}

func TestLookAtOneHost(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	plant(t, folder, "a/20261101.0", "b/20261101.0")
	if diff := cmp.Diff([]string{"b/20261101"}, paths(look(t, Folder{Path: folder, Host: "b"}))); diff != "" {
		t.Errorf("other archives are found (-want +got):\n%s", diff)
	}
	if c := look(t, Folder{Path: folder, Host: "new"}); len(c.Archives) > 0 {
		t.Errorf("a host without a folder has archives: %v", paths(c))
	}
	if _, err := (Folder{Path: filepath.Join(folder, "missing")}).Look(); err == nil {
		t.Error("a volume that is not there has no archives, without an error")
	}
}

// TestHidden: a sender may choose any name for its host, so nothing of what it pushes escapes the limit.
func TestHidden(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	plant(t, folder, ".x/20261101.0", "a b\n/.y/20261102.0", "pmproxy.log")
	if diff := cmp.Diff([]string{"a b\n/.y/20261102", ".x/20261101"}, paths(look(t, Folder{Path: folder, Hidden: true}))); diff != "" {
		t.Errorf("other archives are found (-want +got):\n%s", diff)
	}
}

// TestDo: links that somebody plants among the archives are not followed, to wherever.
func TestDo(t *testing.T) {
	t.Parallel()
	outside, folder := t.TempDir(), t.TempDir()
	plant(t, outside, "20261101.0", "pmlogger.log")
	plant(t, folder, "node/20261101.0", "node/20261101.meta", "node/20261102.0", "node/pmlogger.log", "node/pmlogger.log.prev",
		"away -> "+outside, "node/20261103.0 -> "+filepath.Join(outside, "20261101.0"))
	f := Folder{Path: folder}
	c := look(t, f)
	plan := Plan{Remove: c.Archives[1:], Empty: []string{"node/pmlogger.log"}}
	// Between the look and the deed, they become links.
	replace(t, folder, "node/20261101.meta", filepath.Join(outside, "20261101.0"))
	replace(t, folder, "node/pmlogger.log", "pmlogger.log.prev")
	plan.Remove = append(plan.Remove, Archive{Path: "away/20261101", Files: []string{"away/20261101.0"}})

	var log bytes.Buffer
	err := f.Do(plan, slog.New(slog.NewTextHandler(&log, nil)))
	if err == nil || !strings.Contains(err.Error(), "away/20261101.0") || !strings.Contains(err.Error(), "pmlogger.log") {
		t.Errorf("the error is %v, want one about each link", err)
	}
	if !strings.Contains(log.String(), "archive=node/20261101 bytes=16384") || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("the log is %s", &log)
	}
	left := []string{"away", "node/20261102.0", "node/20261103.0", "node/pmlogger.log", "node/pmlogger.log.prev"}
	if diff := cmp.Diff(left, names(t, folder)); diff != "" {
		t.Errorf("other files are left (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"20261101.0", "pmlogger.log"}, names(t, outside)); diff != "" {
		t.Errorf("outside, other files are left (-want +got):\n%s", diff)
	}
	if info, err := os.Stat(folder + "/node/pmlogger.log.prev"); err != nil || info.Size() != 8192 {
		t.Errorf("what a link leads to has been emptied: %v", err)
	}
}

func TestEmpty(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	plant(t, folder, "node/pmlogger.log")
	if err := (Folder{Path: folder}).Do(Plan{Empty: []string{"node/pmlogger.log"}}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(folder + "/node/pmlogger.log"); err != nil || info.Size() != 0 {
		t.Errorf("the log was not emptied: %v", err)
	}
}

func replace(t *testing.T, folder, name, target string) {
	t.Helper()
	path := filepath.Join(folder, name)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(target, path); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkLook is what a watcher does every 10 s, in a volume with 400 files.
func BenchmarkLook(b *testing.B) {
	folder := b.TempDir()
	for n := range 400 {
		name := filepath.Join(folder, now.Add(time.Duration(n)*time.Hour).Format("20060102.15.04")+".0")
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		c, err := Folder{Path: folder}.Look()
		if err != nil || len(c.Archives) != 400 {
			b.Fatal(err, len(c.Archives))
		}
	}
}
