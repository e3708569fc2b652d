//go:build linux

package watch

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/retention"
	"github.com/performancecopilot/pcp-injector/test/pcpfiles"
)

func logger(to *bytes.Buffer) *slog.Logger { return slog.New(slog.NewTextHandler(to, nil)) }

// TestRounds: each is done every 10 s, and an error is logged when it comes, when it changes, and when it goes.
func TestRounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		answers := []error{nil, errors.New("no pmcd"), errors.New("no pmcd"), errors.New("no agent"), nil, nil}
		var times []time.Duration
		start := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		Watch(ctx, []Round{{"sources", func(context.Context) error {
			times = append(times, time.Since(start))
			answer := answers[len(times)-1]
			if len(times) == len(answers) {
				cancel()
			}
			return answer
		}}}, logger(&log))
		if want := []time.Duration{10 * time.Second, 20 * time.Second, 30 * time.Second, 40 * time.Second, 50 * time.Second, time.Minute}; !cmp.Equal(want, times) {
			t.Errorf("the rounds are at %v, want %v", times, want)
		}
		var said []string
		for line := range strings.Lines(log.String()) {
			_, text, _ := strings.Cut(strings.TrimSpace(line), "msg=")
			said = append(said, text)
		}
		want := []string{
			`"failed; it is tried again" watch=sources error="no pmcd"`, `"failed; it is tried again" watch=sources error="no agent"`,
			`"works again" watch=sources`,
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("the log differs (-want +got):\n%s", diff)
		}
	})
}

// archive writes an archive's files, 8 KiB each, last changed at a time.
func archive(t *testing.T, folder, name string, written time.Time) {
	t.Helper()
	for _, suffix := range []string{".meta", ".index", ".0"} {
		path := filepath.Join(folder, name+suffix)
		pcpfiles.Write(t, path, strings.Repeat("x", 8192))
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
	}
}

func left(t *testing.T, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*", "*.meta"))
	if err != nil {
		t.Fatal(err)
	}
	for n, path := range paths {
		paths[n] = strings.TrimSuffix(filepath.Base(path), ".meta")
	}
	return paths
}

// TestKeepOverHours: in a real folder, with a clock that is not, archives go as they get too old.
func TestKeepOverHours(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		for n := range 5 { // The clock of the test starts in the year 2000.
			written := time.Now().Add(time.Duration(n-4) * time.Hour)
			archive(t, folder, "node/2000010"+strconv.Itoa(n), written)
		}
		k := &Keeper{Folder: retention.Folder{Path: folder}, Policy: retention.Policy{Age: 3 * time.Hour}, Logger: logger(&log)}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Hour)
		defer cancel()
		go Watch(ctx, []Round{{"archives", k.Keep}}, k.Logger)
		for hours, want := range [][]string{
			{"20000102", "20000103", "20000104"}, {"20000103", "20000104"}, {"20000104"},
		} {
			<-time.After(time.Minute)
			synctest.Wait()
			if diff := cmp.Diff(want, left(t, folder)); diff != "" {
				t.Errorf("in hour %d, other archives are left (-want +got):\n%s", hours, diff)
			}
			<-time.After(time.Hour - time.Minute)
		}
		if got := k.State(); got == nil || got.Count != 1 || got.Bytes != 3*8192 || got.DaysThatFit != nil {
			t.Errorf("the state is %+v", got)
		}
	})
}

// TestMakeRoom: there is space for two archives before pmlogger starts.
func TestMakeRoom(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	archive(t, folder, "node/20261101", time.Now().Add(-2*time.Hour))
	archive(t, folder, "node/20261102", time.Now().Add(-time.Hour))
	archive(t, folder, "node/20261103", time.Now())
	k := &Keeper{Folder: retention.Folder{Path: folder}, Policy: retention.Policy{Limit: 2<<20 + 60<<10}, Logger: slog.New(slog.DiscardHandler)}
	if err := k.Keep(t.Context()); err != nil || len(left(t, folder)) != 3 {
		t.Errorf("while pmlogger writes, %v are left (error: %v)", left(t, folder), err)
	}
	if err := k.MakeRoom(); err != nil || !cmp.Equal(left(t, folder), []string{"20261102", "20261103"}) {
		t.Errorf("before it starts, %v are left (error: %v)", left(t, folder), err)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	pcpfiles.Write(t, filepath.Join(folder, "node", "20261101.0"), strings.Repeat("x", 3<<20))
	rotated := 0
	k := &Keeper{
		Folder: retention.Folder{Path: folder}, Policy: retention.Policy{Limit: 10 << 20}, Logger: slog.New(slog.DiscardHandler),
		Rotate: func() error { rotated++; return nil },
	}
	if err := k.Keep(t.Context()); err != nil || rotated != 1 {
		t.Errorf("pmlogger starts %d new archives, want 1 (error: %v)", rotated, err)
	}
}

func TestReceive(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	archive(t, folder, ".any host/20261101", time.Now())
	if err := Receive(retention.Folder{Path: folder, Hidden: true}, slog.New(slog.DiscardHandler)); err != nil {
		t.Error(err)
	}
	if err := Receive(retention.Folder{Path: filepath.Join(folder, "missing")}, nil); err == nil {
		t.Error("a volume that is away is no error")
	}
}

// TestAsk: the metrics are announced again only if pmlogger knows one that it does not archive.
func TestAsk(t *testing.T) {
	t.Parallel()
	const known = "openmetrics.app.up\n    adv  on  nl      30 sec  [1 instance]\n"
	for answer, want := range map[string]string{
		known: "pminfo -f openmetrics.control.status;pmlc -P <query openmetrics",
		known + "openmetrics.app.down\n    adv  off nl\n": "pminfo -f openmetrics.control.status;pmlc -P <query openmetrics;pminfo -f mmv.control.files",
		"error": "pminfo -f openmetrics.control.status;pmlc -P <query openmetrics",
	} {
		var calls []string
		s := &Sources{Announced: filepath.Join(t.TempDir(), "announced")}
		s.Run = func(_ context.Context, stdin, name string, args ...string) (string, error) {
			call := strings.Join(append([]string{name}, args...), " ")
			if stdin != "" {
				call += " <" + strings.TrimSpace(stdin)
			}
			calls = append(calls, call)
			if name == "pmlc" && answer == "error" {
				return "", errors.New("no pmlogger")
			}
			return answer, nil
		}
		err := s.Ask(t.Context())
		if got := strings.Join(calls, ";"); got != want || (err != nil) != (answer == "error") {
			t.Errorf("after %q, it asks %s (error: %v), want %s", answer, got, err, want)
		}
		if _, err := os.Stat(s.Announced); err == nil {
			t.Error("the announcement stays")
		}
	}
}

func TestRunProgram(t *testing.T) {
	t.Parallel()
	if output, err := runProgram(t.Context(), "in\n", "cat"); err != nil || output != "in\n" {
		t.Errorf("the program prints %q (error: %v)", output, err)
	}
	if _, err := runProgram(t.Context(), "", "sh", "-c", "echo one >&2; echo two >&2; exit 1"); err == nil || err.Error() != "sh: two" {
		t.Errorf("the error is %v", err)
	}
}

// TestEndPMLogger: a process that only has its number is left alone.
func TestEndPMLogger(t *testing.T) {
	t.Parallel()
	root := pcpfiles.Unpack(t, "7.2.2")
	pcp, err := installation.Read(root, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	pid := filepath.Join(root, pcp.Path(installation.RunDir, "pmlogger.pid"))
	if err := EndPMLogger(pcp); err == nil {
		t.Error("without pmlogger, there is no error")
	}
	for content, want := range map[string]string{"x": "must be the number", "1": "must be the number", "-5": "must be the number", strconv.Itoa(os.Getpid()): "not pmlogger"} {
		pcpfiles.Write(t, pid, content)
		if err := EndPMLogger(pcp); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("with %q, the error is %v, want %s", content, err, want)
		}
	}
	cmd := sleeper(t, options.PMLogger)
	pcpfiles.Write(t, pid, strconv.Itoa(cmd.Process.Pid)+"\n")
	if err := EndPMLogger(pcp); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "terminated") {
		t.Errorf("pmlogger ends with %v", err)
	}
}

// sleeper starts a process of a name.
func sleeper(t *testing.T, name string) *exec.Cmd {
	t.Helper()
	sleep, err := exec.LookPath("sleep")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), name)
	pcpfiles.Write(t, program, pcpfiles.Read(t, sleep))
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd
}

// TestServices: a service that becomes another process was restarted, and how long it is away does not matter.
func TestServices(t *testing.T) {
	t.Parallel()
	root := pcpfiles.Unpack(t, "7.2.2")
	pcp, err := installation.Read(root, func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	services := NewServices(pcp, []string{options.PMCD, options.PMIE})
	if got := services.State(); len(got) != 2 || got[0].Running || got[0].PID != 0 || got[1].Name != options.PMIE {
		t.Errorf("before anything runs, the services are %+v", got)
	}
	for restarts := range 2 {
		cmd := sleeper(t, options.PMCD)
		pcpfiles.Write(t, filepath.Join(root, pcp.Path(installation.RunDir, "pmcd.pid")), strconv.Itoa(cmd.Process.Pid))
		for range 2 { // A second look changes nothing.
			got := services.State()[0]
			if age := time.Since(got.Since); !got.Running || got.PID != cmd.Process.Pid || got.Restarts != restarts || age < -time.Minute || age > time.Hour {
				t.Errorf("as process %d, restarted %d times, the service is %+v", cmd.Process.Pid, restarts, got)
			}
		}
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait()
		if got := services.State()[0]; got.Running || got.PID != 0 || !got.Since.IsZero() || got.Restarts != restarts {
			t.Errorf("a service that has ended is %+v", got)
		}
	}
}

func TestShared(t *testing.T) {
	t.Parallel()
	pcp, err := installation.Read(pcpfiles.Unpack(t, "6.3.8"), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	o := &options.Options{Archives: options.Archives{Days: 2, Limit: 5, Shared: true}}
	folder, policy := Archives(pcp, o, "node")
	if folder.Host != "node" || folder.Path != pcp.InRoot("/var/log/pcp/pmlogger") || policy != (retention.Policy{Limit: 5, Age: 48 * time.Hour}) {
		t.Errorf("the archives are %+v, with %+v", folder, policy)
	}
	if got := Received(pcp); got.Path != pcp.InRoot("/var/log/pcp/pmproxy") || !got.Hidden {
		t.Errorf("the received ones are %+v", got)
	}
}
