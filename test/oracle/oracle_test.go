package oracle_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/performancecopilot/pcp-injector/archive"
	"github.com/performancecopilot/pcp-injector/test/oracle"
)

// tools are those on the PATH, if there are any.
func tools(tb testing.TB) oracle.Tools {
	tb.Helper()
	if _, err := exec.LookPath("pmdumplog"); err != nil {
		tb.Skip("PCP's tools are not on the PATH: make e2e runs these comparisons in its images")
	}
	return func(ctx context.Context, name string, arguments ...string) (string, error) {
		cmd := exec.CommandContext(ctx, name, arguments...)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			err = fmt.Errorf("%s %v: %w", name, arguments, err)
		}
		return string(out), err
	}
}

// folders with archives that pmlogger wrote are those in the folder that PCP_ARCHIVES names.
func folders(tb testing.TB) []string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(os.Getenv("PCP_ARCHIVES"), "*"))
	if err != nil {
		tb.Fatal(err)
	}
	if os.Getenv("PCP_ARCHIVES") == "" || len(found) == 0 {
		tb.Skip("PCP_ARCHIVES names no folder with folders of archives")
	}
	return found
}

// TestAgainstPCP compares all that is in archives with what PCP prints.
func TestAgainstPCP(t *testing.T) {
	t.Parallel()
	run := tools(t)
	for _, folder := range folders(t) {
		t.Run(filepath.Base(folder), func(t *testing.T) {
			t.Parallel()
			absolute, err := filepath.Abs(folder)
			if err != nil {
				t.Fatal(err)
			}
			found, err := archive.Find(os.DirFS(absolute), ".")
			if err != nil {
				t.Fatal(err)
			}
			for _, files := range found {
				a, err := archive.OpenFiles(files)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(a.Close)
				compared, err := oracle.All(t.Context(), run, filepath.Join(absolute, files.Name), a, 700*time.Millisecond)
				if err != nil {
					t.Error(err)
				}
				t.Logf("%s: %d values are the same", files.Name, compared)
			}
		})
	}
}
