//go:build linux

package supervisor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestMain makes this process one to which orphans come, as to the first of a container.
func TestMain(m *testing.M) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		panic(err)
	}
	processes = NewProcesses(context.Background())
	os.Exit(m.Run())
}

// processes are all children of this process.
var processes *Processes

// rig is a supervisor with shell scripts as services, in a folder.
type rig struct {
	*Supervisor
	folder string
	output syncBuffer
	cancel context.CancelFunc
	done   chan struct{}
}

func start(t *testing.T, services func(folder string) []Service) *rig {
	t.Helper()
	r := &rig{folder: t.TempDir(), done: make(chan struct{})}
	log := NewLog(&r.output)
	r.Supervisor = &Supervisor{Processes: processes, Log: log, Logger: slog.New(slog.NewTextHandler(log, nil))}
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	go func() {
		defer close(r.done)
		r.Run(ctx, services(r.folder))
	}()
	t.Cleanup(r.stop)
	return r
}

func (r *rig) stop() {
	r.cancel()
	<-r.done
}

// until waits for something, whatever the machine's load.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
		<-time.After(5 * time.Millisecond)
	}
}

func (r *rig) says(t *testing.T, text string) {
	t.Helper()
	until(t, text+" in\n"+r.output.String(), func() bool { return strings.Contains(r.output.String(), text) })
}

func shell(name, script, folder string) Service {
	return Service{
		Name: name, StopLimit: time.Minute,
		Program: always(Program{Path: "/bin/sh", Args: []string{"-c", script}, Env: []string{"PATH=" + os.Getenv("PATH")}, Dir: folder}),
	}
}

func always(program Program) func(context.Context) (Program, error) {
	return func(context.Context) (Program, error) { return program, nil }
}

// TestOrder: services start when the one before is ready, and end in the opposite order, each after the one that needs it.
func TestOrder(t *testing.T) {
	t.Parallel()
	const script = `echo "start $0"; trap 'echo "end $0"; exit 0' TERM; touch ready; while :; do sleep 0.01; done`
	r := start(t, func(folder string) []Service {
		first := shell("first", strings.ReplaceAll("sleep 0.2; "+script, "$0", "first"), folder)
		first.Ready = func(context.Context) error { _, err := os.Stat(filepath.Join(folder, "ready")); return err }
		return []Service{first, shell("second", strings.ReplaceAll(script, "$0", "second"), folder)}
	})
	r.says(t, "second: start second")
	r.stop()
	last := -1
	for _, line := range []string{
		"first: start first\n", "service=second pid=", "second: start second\n", "second: end second\n", "msg=stopped service=second\n",
		"first: end first\n", "msg=stopped service=first\n",
	} {
		at := strings.Index(r.output.String(), line)
		if at < last {
			t.Errorf("%q comes too early, or not at all, in\n%s", line, r.output.String())
		}
		last = at
	}
}

// TestRestart: what ends is started again, and the state says so.
func TestRestart(t *testing.T) {
	t.Parallel()
	r := start(t, func(folder string) []Service {
		return []Service{shell("fails", "echo once; test -e again || { touch again; exit 3; }; echo twice; sleep 1000", folder)}
	})
	r.says(t, "fails: twice")
	r.says(t, `msg="ended, and is started again" service=fails error="exit code 3" pause=1s`)
	got := r.State()
	if len(got) != 1 || !got[0].Running || got[0].Restarts != 1 || got[0].Name != "fails" || time.Since(got[0].Since) > time.Hour {
		t.Fatalf("the state is %+v", got)
	}
	if err := syscall.Kill(got[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	r.says(t, `error="ended by killed" pause=2s`)
}

// TestEnd: a service that is asked to end is started again at once.
func TestEnd(t *testing.T) {
	t.Parallel()
	r := start(t, func(folder string) []Service {
		return []Service{shell("rotates", "echo up; trap 'exit 0' TERM; while :; do sleep 0.01; done", folder)}
	})
	r.says(t, "rotates: up")
	first := r.State()[0].PID
	if err := r.End("rotates"); err != nil {
		t.Error(err)
	}
	until(t, "another process", func() bool { s := r.State()[0]; return s.Running && s.PID != first })
	if err := r.End("other"); err == nil {
		t.Error("a service that does not exist ends")
	}
}

// TestStopLimit: what does not end is killed, with all that it started.
func TestStopLimit(t *testing.T) {
	t.Parallel()
	r := start(t, func(folder string) []Service {
		s := shell("stubborn", "trap '' TERM; sh -c 'echo $$ >child; exec sleep 1000' & while :; do sleep 0.01; done", folder)
		s.StopLimit = 50 * time.Millisecond
		return []Service{s}
	})
	child := r.child(t)
	r.stop()
	r.says(t, `msg="does not end, and is killed" service=stubborn after=50ms`)
	until(t, "the end of its child", func() bool { return !alive(child) })
}

// child is the process whose number a script has left.
func (r *rig) child(t *testing.T) int {
	t.Helper()
	pid := 0
	until(t, "the child", func() bool {
		content, err := os.ReadFile(filepath.Join(r.folder, "child"))
		_, scanErr := fmt.Sscan(string(content), &pid)
		return err == nil && scanErr == nil
	})
	return pid
}

// alive is false for a process that is gone, but true for a zombie.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// TestOrphans: what a service leaves behind is ended with it, and what has left its group is reaped.
func TestOrphans(t *testing.T) {
	t.Parallel()
	r := start(t, func(folder string) []Service {
		return []Service{shell("crashes", "setsid sh -c 'echo $$ >child; sleep 0.1' & sh -c 'sleep 1000' & sleep 0.1; kill -KILL $$", folder)}
	})
	child := r.child(t)
	r.says(t, `error="ended by killed"`)
	until(t, "the end of the orphan, which is no zombie then", func() bool { return !alive(child) })
}

// TestPrepare: a service whose preparation fails is not started, and prepared again.
func TestPrepare(t *testing.T) {
	t.Parallel()
	tries := 0
	r := start(t, func(folder string) []Service {
		s := shell("prepared", "echo up; sleep 1000", folder)
		run := s.Program
		s.Program = func(ctx context.Context) (Program, error) {
			tries++
			if tries == 1 {
				return Program{}, errors.New("no space left")
			}
			return run(ctx)
		}
		return []Service{s}
	})
	r.says(t, `error="no space left"`)
	r.says(t, "prepared: up")
}

// TestStopDuringStart: services that have not been started yet never are.
func TestStopDuringStart(t *testing.T) {
	t.Parallel()
	r := start(t, func(folder string) []Service {
		first := shell("first", "echo up; sleep 1000", folder)
		first.Ready = func(context.Context) error { return errors.New("never") }
		return []Service{first, shell("second", "echo up", folder)}
	})
	r.says(t, "first: up")
	r.stop()
	if strings.Contains(r.output.String(), "second") {
		t.Errorf("the second service started:\n%s", r.output.String())
	}
}

// TestMissingProgram: it is looked for again and again, because a volume may come.
func TestMissingProgram(t *testing.T) {
	t.Parallel()
	r := start(t, func(string) []Service { return []Service{{Name: "none", Program: always(Program{Path: "/missing"})}} })
	r.says(t, "no such file or directory")
}

// TestEnvironment: services have what they are given, and nothing of this process.
func TestEnvironment(t *testing.T) {
	t.Setenv("PMCD_PORT", "tcp://10.0.0.1:44321")
	r := start(t, func(folder string) []Service { return []Service{shell("env", "env; sleep 1000", folder)} })
	r.says(t, "env: PATH=")
	if strings.Contains(r.output.String(), "PMCD_PORT") {
		t.Errorf("a service has a variable of the container's:\n%s", r.output.String())
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	sh := func(script string) Program { return Program{Path: "sh", Args: []string{"-c", script}} }
	if output, err := processes.Run(t.Context(), sh("cat; echo x"), "in\n"); err != nil || output != "in\nx\n" {
		t.Errorf("the program prints %q (error: %v)", output, err)
	}
	if _, err := processes.Run(t.Context(), sh("echo a >&2; echo b >&2; exit 4"), ""); err == nil || err.Error() != "sh: exit code 4: b" {
		t.Errorf("the error is %v", err)
	}
	if output, err := processes.Run(t.Context(), sh("head -c 5000000 /dev/zero"), ""); err != nil || len(output) != maxOutput {
		t.Errorf("of much output, %d bytes are kept (error: %v)", len(output), err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := processes.Run(ctx, sh("sleep 1000 & sleep 1000"), ""); err == nil {
		t.Error("a program that takes too long has no error")
	}
}

func TestPauses(t *testing.T) {
	t.Parallel()
	var r restarts
	for n, test := range []struct {
		ran    time.Duration
		failed bool
		want   time.Duration
	}{
		{time.Millisecond, true, time.Second},
		{time.Millisecond, true, 2 * time.Second},
		{time.Millisecond, false, 4 * time.Second}, // An end at once is no success.
		{10 * time.Second, false, 0},
		{10 * time.Second, true, 8 * time.Second},
		{time.Second, true, 16 * time.Second},
		{time.Second, true, 30 * time.Second},
		{time.Second, true, 30 * time.Second},
		{time.Hour, true, time.Second},
		{time.Hour, false, 0},
	} {
		if got := r.next(test.ran, test.failed); got != test.want {
			t.Errorf("run %d: the pause is %v, want %v", n, got, test.want)
		}
	}
	r.failures = 1000
	if got := r.next(0, true); got != maxPause {
		t.Errorf("after many failures, the pause is %v", got)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	var output bytes.Buffer
	NewLog(&output).Copy("x", strings.NewReader("one\n\n"+strings.Repeat("y", maxLine)+"\nlast"))
	want := strings.Join([]string{"one", "", strings.Repeat("y", maxLine), "", "last", ""}, "\nx: ")
	if output.String() != "x: "+strings.TrimSuffix(want, "x: ") {
		t.Errorf("the lines are %q", output.String())
	}
}

// syncBuffer is written to and read at a time.
type syncBuffer struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (b *syncBuffer) Write(text []byte) (int, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.Write(text)
}

func (b *syncBuffer) String() string {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	return b.text.String()
}
