//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// maxSize of the executable: it is in the memory of each pod with PCP, and is copied at each start.
const maxSize = 8 << 20

// TestExecutable builds the launcher as make build does: it is small, static, and delivers itself.
func TestExecutable(t *testing.T) {
	t.Parallel()
	executable := filepath.Join(t.TempDir(), "built")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version=v9.8.7", "-o", executable, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	info, err := os.Stat(executable)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes", info.Size())
	if info.Size() > maxSize {
		t.Errorf("the launcher has %d bytes, more than %d", info.Size(), maxSize)
	}
	volume := t.TempDir()
	if output, err := exec.CommandContext(t.Context(), executable, "install", "--to="+volume, "--accounts").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	if _, err := os.Stat(filepath.Join(volume, "passwd")); err != nil {
		t.Error(err)
	}
	output, err := exec.CommandContext(t.Context(), filepath.Join(volume, "pcp-launcher"), "version").CombinedOutput()
	if want := "pcp-launcher v9.8.7\n"; err != nil || string(output) != want {
		t.Errorf("the copy in the volume says %q, want %q (error: %v)", output, want, err)
	}
}

// TestImports: the launcher has no library of Kubernetes', and nothing of the webhook's.
func TestImports(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard", ".")
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	allowed := []string{
		"github.com/performancecopilot/pcp-injector/cmd/pcp-launcher", "github.com/performancecopilot/pcp-injector/internal/launcher/",
		"golang.org/x/sys/unix",
	}
	count := 0
	for decoder := json.NewDecoder(bytes.NewReader(output)); decoder.More(); count++ {
		var found struct {
			ImportPath string
			Standard   bool
		}
		if err := decoder.Decode(&found); err != nil {
			t.Fatal(err)
		}
		starts := func(prefix string) bool { return strings.HasPrefix(found.ImportPath, prefix) }
		if !found.Standard && !slices.ContainsFunc(allowed, starts) {
			t.Errorf("the launcher imports %s", found.ImportPath)
		}
	}
	if count < 20 {
		t.Errorf("only %d packages were looked at", count)
	}
}

// TestStopSignals: the kubelet sends the signal that the image names, which systemd wants, and the kernel ignores it for a first process
// that does not handle it.
func TestStopSignals(t *testing.T) {
	t.Parallel()
	const sigrtmin3 = syscall.Signal(37) // kill -l RTMIN+3
	for _, sent := range []syscall.Signal{syscall.SIGTERM, sigrtmin3} {
		ctx, stop := untilStopped(t.Context())
		if err := syscall.Kill(os.Getpid(), sent); err != nil {
			t.Fatal(err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Minute):
			t.Errorf("signal %d stops nothing", sent)
		}
		stop()
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args, stdout, stderr string
		code                 int
	}{
		{"", "Commands:\n  boot FLAGS", "", exitOK},
		{"help", "--archives-limit=SIZE", "", exitOK},
		{"version", "pcp-launcher ", "", exitOK},
		{"boot --fly", "", "pcp-launcher: --fly: unknown flag, written by an injector of unknown version", exitUsage},
		{"fly", "", "pcp-launcher: fly: unknown command of pcp-launcher", exitUsage},
		{"install", "", "must be install --to=FOLDER", exitUsage},
		{"install --to=/a --to=/b", "", "install: --to=/b: must be install --to=FOLDER", exitUsage},
		{"install --to=", "", "must be install --to=FOLDER", exitUsage},
		{"install --to=/missing/folder", "", "failed to write to the volume for the launcher: open /missing/folder", exitFailure},
	} {
		var stdout, stderr bytes.Buffer
		code := exitCode(run(t.Context(), strings.Fields(test.args), &stdout), &stderr)
		if code != test.code || !strings.Contains(stdout.String(), test.stdout) || !strings.Contains(stderr.String(), test.stderr) {
			t.Errorf("%q: exit code %d, want %d, and output\n%s%s", test.args, code, test.code, &stdout, &stderr)
		}
		if lines := strings.Count(stderr.String(), "\n"); code != exitOK && lines != 1 {
			t.Errorf("%q: the error has %d lines: %s", test.args, lines, &stderr)
		}
	}
}
