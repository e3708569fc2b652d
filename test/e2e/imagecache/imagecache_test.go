package imagecache

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// TestArchive: an image is built once for each key, and an archive that is asked for counts as used.
func TestArchive(t *testing.T) {
	t.Parallel()
	cache, builds := t.TempDir(), 0
	image := Image{Name: "image", Files: map[string][]byte{"recipe": []byte("content")}, Build: func(_ context.Context, folder string) error {
		builds++
		return os.Rename(filepath.Join(folder, "recipe"), filepath.Join(folder, ArchiveName))
	}}
	var path string
	for _, part := range []string{"1", "1", "2", "2"} {
		var err error
		image.Key = Key([]byte(part))
		if path, err = image.archive(t.Context(), cache); err != nil {
			t.Fatal(err)
		}
		if content, err := os.ReadFile(path); err != nil || string(content) != "content" {
			t.Errorf("the archive is %q, error %v", content, err)
		}
		if info, err := os.Stat(path); err != nil || time.Since(info.ModTime()) > time.Minute {
			t.Errorf("the archive does not count as used now: %v, error %v", info, err)
		}
		makeOlder(t, path, 2*unused)
	}
	if builds != 2 {
		t.Errorf("%d builds, want one for each key", builds)
	}
	if diff := cmp.Diff([]string{filepath.Base(path)}, files(t, cache)); diff != "" {
		t.Errorf("the cache has archives out of use (-want +got):\n%s", diff)
	}
}

// TestTidy: what goes is the image's own and out of use, or a build that was killed.
func TestTidy(t *testing.T) {
	t.Parallel()
	cache, hash := t.TempDir(), Key()
	ages := map[string]time.Duration{
		"image-" + hash + ".tar": 2 * unused, "image-" + Key(nil) + ".tar": unused / 2, "image-other-" + hash + ".tar": 2 * unused,
		"build-old": 2 * abandoned, "build-running": abandoned / 2,
	}
	for name, age := range ages {
		path := filepath.Join(cache, name)
		if err := os.Mkdir(path, 0o755); err != nil {
			t.Fatal(err)
		}
		makeOlder(t, path, age)
	}
	if err := (Image{Name: "image"}).tidy(cache); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"build-running", "image-" + Key(nil) + ".tar", "image-other-" + hash + ".tar"}, files(t, cache)); diff != "" {
		t.Errorf("the cache (-want +got):\n%s", diff)
	}
}

// TestFailure: a build that fails leaves nothing behind, and says whose it was.
func TestFailure(t *testing.T) {
	t.Parallel()
	cause, cache := errors.New("cause"), t.TempDir()
	image := Image{Name: "broken", Key: Key(), Build: func(context.Context, string) error { return cause }}
	path, err := image.archive(t.Context(), cache)
	if path != "" || !errors.Is(err, cause) || !strings.Contains(err.Error(), "the image broken") {
		t.Errorf("got %q and the error %v", path, err)
	}
	if found := files(t, cache); len(found) != 0 {
		t.Errorf("the cache has %v, want nothing", found)
	}
}

// TestKey: where one part ends and another begins matters.
func TestKey(t *testing.T) {
	t.Parallel()
	first, second := Key([]byte("ab"), []byte("c")), Key([]byte("a"), []byte("bc"))
	if first == second || len(first) != keyLength {
		t.Errorf("keys are %s and %s, want two of %d digits", first, second, keyLength)
	}
}

// TestRun: the error has what the command printed, in order.
func TestRun(t *testing.T) {
	t.Parallel()
	err := Run(t.Context(), process.Command("go", "no-such-command"))
	if err == nil || !strings.HasPrefix(err.Error(), "go no-such-command: exit status 2\n") || !strings.Contains(err.Error(), "unknown command") {
		t.Errorf("got the error %v", err)
	}
}

func makeOlder(t *testing.T, path string, age time.Duration) {
	t.Helper()
	then := time.Now().Add(-age)
	if err := os.Chtimes(path, then, then); err != nil {
		t.Fatal(err)
	}
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}
