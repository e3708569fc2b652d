package toolchain

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// sample is a tool whose module is in the given folder, below the folder of the test's own project.
func sample(t *testing.T, source string) (store, tool) {
	t.Helper()
	s := store{root: t.TempDir(), cache: t.TempDir(), out: &output{}}
	write(t, filepath.Join(s.root, "hello", "go.mod"), "module example.com/hello\n\ngo 1.26\n")
	write(t, filepath.Join(s.root, "hello", "main.go"), source)
	return s, tool{
		name: "hello", module: "example.com/hello", version: "v1.2.3", folder: "hello", pkg: ".", commands: []string{"hi"},
		stamp: func(version string, _ time.Time) []string { return []string{"-X main.version=" + version} },
	}
}

const hello = "package main\n\nimport \"os\"\n\nvar version string\n\nfunc main() { _, _ = os.Stdout.WriteString(\"hello \" + version) }\n"

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
		t.Fatal(err)
	}
}

// output is a buffer that builds may write to at the same time.
type output struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (o *output) Write(data []byte) (int, error) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.Write(data)
}

func (o *output) String() string {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.text.String()
}

func TestBuildsOnce(t *testing.T) {
	t.Parallel()
	s, hi := sample(t, hello)
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			folder, err := s.ensure(t.Context(), hi)
			if err != nil {
				t.Error(err)
				return
			}
			if said, err := exec.Command(filepath.Join(folder, "hi")).Output(); err != nil || string(said) != "hello v1.2.3" {
				t.Errorf("the tool says %q (error: %v), want its version", said, err)
			}
		})
	}
	group.Wait()
	if built := strings.Count(s.out.(*output).String(), "compiling hello"); built != 1 {
		t.Errorf("built %d times, want once:\n%s", built, s.out)
	}
}

func TestFailedBuild(t *testing.T) {
	t.Parallel()
	s, hi := sample(t, "package main\n\nfunc main() { misspelled() }\n")
	_, err := s.ensure(t.Context(), hi)
	if err == nil || !strings.Contains(err.Error(), "undefined: misspelled") {
		t.Errorf("got error %v, want the compiler's message", err)
	}
	requireNothingKept(t, s)
}

// requireNothingKept checks that the cache contains only the lock file.
func requireNothingKept(t *testing.T, s store) {
	t.Helper()
	entries, err := os.ReadDir(s.cache)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".lock") {
			t.Errorf("the cache holds %s", entry.Name())
		}
	}
}

// TestCanceledBuild replaces go with a script whose build never ends and has its own child, as compilations do.
func TestCanceledBuild(t *testing.T) {
	s, hi := sample(t, hello)
	bin := t.TempDir()
	started := filepath.Join(t.TempDir(), "started")
	write(t, filepath.Join(bin, "go"), "#!/bin/sh\n[ \"$1\" = build ] || exit 0\nsleep 1000 &\necho $! >"+started+".part\nmv "+started+".part "+started+"\nwait\n")
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	result := make(chan error)
	go func() {
		_, err := s.ensure(ctx, hi)
		result <- err
	}()
	child := awaitFile(t, started)
	cancel()
	if err := <-result; !errors.Is(err, context.Canceled) {
		t.Errorf("got error %v, want that the build was canceled", err)
	}
	requireNothingKept(t, s)
	requireDead(t, child)
}

func awaitFile(t *testing.T, path string) string {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if data, err := os.ReadFile(path); err == nil {
			return strings.TrimSpace(string(data))
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo //nolint:forbidigo // The file is another process's, so nothing reports it.
	}
	t.Fatalf("%s did not appear", path)
	return ""
}

func requireDead(t *testing.T, pid string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		// In a container, the first process may not reap orphans, which then stay as zombies.
		if exec.Command("kill", "-0", pid).Run() != nil || err == nil && strings.Contains(string(stat), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo //nolint:forbidigo // The process is not this one's child, so nothing reports its end.
	}
	t.Errorf("the compiler's child (process %s) still runs", pid)
}

func TestWithoutGo(t *testing.T) {
	s, hi := sample(t, hello)
	t.Setenv("PATH", t.TempDir())
	_, err := s.ensure(t.Context(), hi)
	if err == nil || !strings.Contains(err.Error(), "the go command is not on PATH: install Go") {
		t.Errorf("got error %v, want the advice to install Go", err)
	}
}

func TestWithoutNetwork(t *testing.T) {
	s, _ := sample(t, hello)
	t.Setenv("GOPROXY", "off")
	published := tool{name: "absent", module: "example.com/absent", version: "v1.0.0", pkg: "example.com/absent"}
	_, err := s.ensure(t.Context(), published)
	if err == nil || !strings.Contains(err.Error(), "GOPROXY=off forbids to download them") {
		t.Errorf("got error %v, want the advice on GOPROXY", err)
	}
	requireNothingKept(t, s)
}

func TestKey(t *testing.T) {
	t.Parallel()
	s, hi := sample(t, hello)
	elsewhere, _ := sample(t, hello)
	base, err := hi.key(t.Context(), s.root)
	if err != nil {
		t.Fatal(err)
	}
	changed := func(root string, change func(*tool)) bool {
		other := hi
		change(&other)
		key, err := other.key(t.Context(), root)
		if err != nil {
			t.Fatal(err)
		}
		return key != base
	}
	if changed(elsewhere.root, func(*tool) {}) {
		t.Error("the key depends on the path of the work tree")
	}
	if !changed(s.root, func(o *tool) { o.version = "v1.2.4" }) {
		t.Error("the key does not depend on the version")
	}
	write(t, filepath.Join(elsewhere.root, "hello", "go.sum"), "example.com/other v1.0.0 h1:…\n")
	if !changed(elsewhere.root, func(*tool) {}) {
		t.Error("the key does not depend on the module's go.sum")
	}
}

// TestKeyOfSharedModule: each of several tools in a module depends on its own main package.
func TestKeyOfSharedModule(t *testing.T) {
	t.Parallel()
	s, hi := sample(t, hello)
	hi.pkg = "./hi"
	key := func() string {
		key, err := hi.key(t.Context(), s.root)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	write(t, filepath.Join(s.root, "hello", "hi", "main.go"), hello)
	before := key()
	write(t, filepath.Join(s.root, "hello", "other", "main.go"), hello)
	if key() != before {
		t.Error("the key depends on another tool's main package")
	}
	write(t, filepath.Join(s.root, "hello", "hi", "main.go"), hello+"// changed\n")
	if key() == before {
		t.Error("the key does not depend on the main package")
	}
}

func TestFilesWithoutExecutable(t *testing.T) {
	t.Parallel()
	s, data := sample(t, "package main\n\nfunc main() { does not compile }\n")
	data.pkg, data.files, data.commands = "", "data", []string{}
	write(t, filepath.Join(s.root, "hello", "data", "one.yaml"), "one")
	folder, err := s.ensure(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(folder, filesFolder, "one.yaml")); err != nil || string(text) != "one" {
		t.Errorf("the file has %q (error: %v), want it copied", text, err)
	}
}
