package mutate_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// embeddedScript is the script that a step writes, for another folder than PCP's.
func embeddedScript(t *testing.T, step, from, to string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("steps", step))
	if err != nil {
		t.Fatal(err)
	}
	match := regexp.MustCompile(`(?s)<<'SCRIPT'\n(.*?)SCRIPT\n`).FindStringSubmatch(string(content))
	if len(match) < 2 || !strings.Contains(match[1], from) {
		t.Fatalf("%s writes no script for %s", step, from)
	}
	return strings.ReplaceAll(match[1], from, to)
}

// runFull runs a script as if no space were left on the volume, and returns what is left in the folder.
func runFull(t *testing.T, script, folder string) []string {
	t.Helper()
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "df"), []byte("#!/bin/sh\necho 'header'; echo 'volume 1 1 0 100% /'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), "sh", "-c", script)
	command.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "DAYS=3650", "LC_ALL=C.UTF-8")
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	var left []string
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			left = append(left, strings.TrimPrefix(path, folder+"/"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return left
}

// plant writes files of 64 KiB, each newer than the one before.
func plant(t *testing.T, folder string, files []string) {
	t.Helper()
	start := time.Now().Add(-time.Hour)
	for n, name := range files {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, 64<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, start, start.Add(time.Duration(n)*time.Minute)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReceivedArchives: on a full volume, the oldest archives go. What PCP would not name so stays, and no name makes the script take
// another file for an old archive.
func TestReceivedArchives(t *testing.T) {
	t.Parallel()
	for _, step := range []struct{ name, folder string }{
		{"received.sh", "/var/log/pcp/pmproxy"}, {"archives.sh", "/var/log/pcp/pmlogger"},
	} {
		t.Run(step.name, func(t *testing.T) {
			t.Parallel()
			const newest = "host/20261201.00.10.0"
			strange := []string{
				"host/notes.txt", "host/with space.0", "host/20261101.meta\n0 99999999 ." + "/" + newest, "a b/20261101.0", "héllo/20261101.0",
				"host/20261101.0\n", ".hidden/20261101.0", "x\n1 99999999 ./" + newest,
			}
			kept := append(slices.Clone(strange), "host/20261130.00.10.0", "host/20261130.00.10.meta", newest)
			removed := []string{"host/20261128.00.10.0", "host/20261128.00.10.index", "other/20261129.00.10.0.xz"}
			folder := t.TempDir()
			plant(t, folder, append(slices.Clone(removed), kept...))
			left := runFull(t, embeddedScript(t, step.name, step.folder, folder), folder)
			for _, name := range kept {
				if !slices.Contains(left, name) {
					t.Errorf("%q was removed", name)
				}
			}
			for _, name := range removed {
				if slices.Contains(left, name) {
					t.Errorf("%q is left", name)
				}
			}
		})
	}
}
