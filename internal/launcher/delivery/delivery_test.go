package delivery

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestInstall(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, content := range []string{"old", "new"} { // An init container may run twice.
		executable := filepath.Join(t.TempDir(), "any")
		write(t, executable, content)
		if err := Install(executable, folder); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(folder, Name)
		got, err := os.ReadFile(path)
		if err != nil || string(got) != content {
			t.Errorf("the volume has %q, want %q (error: %v)", got, content, err)
		}
		info, err := os.Stat(path)
		if err != nil || info.Mode() != 0o555 {
			t.Errorf("its mode is %v, want %v (error: %v)", info.Mode(), fs.FileMode(0o555), err)
		}
	}
	onlyLauncher(t, folder)
}

// TestInstallFails: what cannot be copied leaves the launcher that is there, and nothing beside it.
func TestInstallFails(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	write(t, filepath.Join(folder, Name), "old")
	if err := Install(folder, folder); err == nil { // A folder can be opened, but not read.
		t.Error("there is no error")
	}
	if err := Install(filepath.Join(folder, "missing"), folder); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the error is %v, want %v", err, fs.ErrNotExist)
	}
	got, err := os.ReadFile(filepath.Join(folder, Name))
	if err != nil || string(got) != "old" {
		t.Errorf("the launcher is %q (error: %v)", got, err)
	}
	onlyLauncher(t, folder)
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for range 2 { // An init container may run twice.
		if err := Accounts(folder, 12345, 0); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{
		"passwd": "root:x:0:0:root:/root:/bin/sh\npcp:x:12345:0:Performance Co-Pilot:/run/pcp:/bin/sh\n", "group": "root:x:0:\npcp:x:0:\n",
	} {
		if got, err := os.ReadFile(filepath.Join(folder, name)); err != nil || string(got) != want {
			t.Errorf("%s is %q, want %q (error: %v)", name, got, want, err)
		}
	}
	if err := Accounts(filepath.Join(folder, "missing"), 1, 1); err == nil {
		t.Error("a folder that does not exist is no error")
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func onlyLauncher(t *testing.T, folder string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil || len(entries) != 1 {
		t.Errorf("the volume has %v (error: %v)", entries, err)
	}
}
