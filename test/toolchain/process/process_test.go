package process

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// childVariable turns this test binary into the parent that is killed.
const childVariable = "PROCESS_TEST_PARENT"

func TestMain(m *testing.M) {
	if os.Getenv(childVariable) == "" {
		os.Exit(m.Run())
	}
	cmd := Command("sh", "-c", "echo $$; exec sleep 1000")
	cmd.Stdout = os.Stdout
	if err := Run(context.Background(), cmd); err != nil {
		os.Exit(1)
	}
}

func TestChildDiesWithKilledParent(t *testing.T) {
	t.Parallel()
	if !diesWithParent {
		t.Skip("this operating system cannot tie a child to its parent")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), childVariable+"=1")
	stdout, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line := make([]byte, 32)
	n, err := stdout.Read(line)
	if err != nil {
		t.Fatal(err)
	}
	child := strings.TrimSpace(string(line[:n]))
	if !alive(child) {
		t.Fatalf("the child (process %s) is not running", child)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	requireDead(t, child)
}

// alive is false for a zombie too, because the first process of a container may not reap orphans.
func alive(pid string) bool {
	if exec.Command("kill", "-0", pid).Run() != nil {
		return false
	}
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	return err != nil || !strings.Contains(string(stat), ") Z ")
}

func requireDead(t *testing.T, pid string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if !alive(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond) //nolint:forbidigo //nolint:forbidigo // The process is not this one's child, so nothing reports its end.
	}
	t.Errorf("process %s is still running", pid)
}

func TestStopKillsTheStubborn(t *testing.T) {
	t.Parallel()
	cmd := Command("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done")
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 8)); err != nil {
		t.Fatal(err)
	}
	p.Stop(200 * time.Millisecond)
	if err := p.Err(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the process ended with %v, want that it was killed", err)
	}
}

func TestStartFails(t *testing.T) {
	t.Parallel()
	if err := Run(t.Context(), Command("no-such-command")); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("got error %v, want %v", err, exec.ErrNotFound)
	}
}
