//go:build linux

package watch

import (
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/retention"
	"github.com/performancecopilot/pcp-injector/test/pcpfiles"
)

// TestCompress: complete archives are compressed file by file, the oldest first, and stay as old as they are.
func TestCompress(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	old := time.Now().Add(-48 * time.Hour)
	archive(t, folder, "node/20261101", old.Add(-time.Hour))
	archive(t, folder, "node/20261102", old)
	archive(t, folder, "node/20261103", time.Now().Add(-time.Hour))
	archive(t, folder, "node/20261104", time.Now())
	program := []string{"sh", "-c", `gzip -q "$1"`, "sh"}
	c := &Compressor{Folder: retention.Folder{Path: folder}, Program: program, Run: runProgram}
	for range 10 {
		if err := c.Compress(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	contents, err := c.Folder.Look()
	if err != nil {
		t.Fatal(err)
	}
	for n, want := range []struct {
		path, data string
	}{{"node/20261104", ".0"}, {"node/20261103", ".0"}, {"node/20261102", ".0.gz"}, {"node/20261101", ".0.gz"}} {
		got := contents.Archives[n]
		if got.Path != want.path || !slices.Contains(got.Files, want.path+want.data) || !slices.Contains(got.Files, want.path+".index") {
			t.Errorf("archive %d is %+v, want %v", n, got, want)
		}
	}
	if got := contents.Archives[2].Written; got.Sub(old).Abs() > time.Second {
		t.Errorf("a compressed archive is of %v, was of %v", got, old)
	}
}

// TestOnlyArchive: the archive that was written last stays as it is, however old: pmlogger may be about to start.
func TestOnlyArchive(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	archive(t, folder, "node/20200101", time.Now().Add(-1000*time.Hour))
	contents, err := (retention.Folder{Path: folder}).Look()
	if err != nil {
		t.Fatal(err)
	}
	if got := next(contents, time.Now()); got != "" {
		t.Errorf("%s is compressed", got)
	}
}

func TestCompression(t *testing.T) {
	t.Parallel()
	for version, preferred := range map[string][]string{"6.3.8": {"xz"}, "7.2.2": {"zstd", "xz"}} {
		pcp, err := installation.Read(pcpfiles.Unpack(t, version), func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		want := ""
		for _, name := range slices.Backward(preferred) {
			if _, err := exec.LookPath(name); err == nil {
				want = name
			}
		}
		got := append(CompressionOf(pcp), "")[0]
		if diff := cmp.Diff(want, filepath.Base(got)); want != "" && diff != "" {
			t.Errorf("PCP %s: %s compresses, want %s", version, got, want)
		}
	}
}
