package preparation

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// roleVariable makes the test binary a process that changes itself.
const roleVariable = "LAUNCHER_TEST_ROLE"

func TestMain(m *testing.M) {
	if folder := os.Getenv(roleVariable); folder != "" {
		if err := changed(folder); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// changed does to itself what the launcher does before it becomes systemd, and becomes a program that prints what it is.
func changed(folder string) error {
	runtime.LockOSThread()
	if err := (Kernel{}).MountReadOnly(folder, true); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, "file"), nil, 0o600); !errors.Is(err, syscall.EROFS) {
		return errors.New("the folder can be written")
	}
	if (Kernel{}).Writable(filepath.Join(folder, "there")) {
		return errors.New("the file is writable")
	}
	if err := (Kernel{}).LeaveControlGroups(); err != nil {
		return err
	}
	if err := (Kernel{}).Drop(Needless(nil)); err != nil {
		return err
	}
	return unix.Exec("/bin/cat", []string{"cat", "/proc/self/status", "/proc/self/mountinfo"}, nil)
}

// TestKernel changes a process in namespaces of its own, and looks at what it becomes.
func TestKernel(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "there"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), roleVariable+"="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	output, err := cmd.CombinedOutput()
	if errors.Is(err, fs.ErrPermission) {
		t.Skip("this machine makes no namespaces for the user who runs the test:", err)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, set := range []string{"CapInh", "CapPrm", "CapEff", "CapBnd"} {
		match := regexp.MustCompile(set + `:\t([0-9a-f]+)\n`).FindSubmatch(output)
		if match == nil {
			t.Fatalf("no %s in %s", set, output)
		}
		bits, err := strconv.ParseUint(string(match[1]), 16, 64)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range Needless(nil) {
			if bits&(1<<c) != 0 {
				t.Errorf("%s still has capability %d", set, c)
			}
		}
		if set != "CapInh" && bits&(1<<unix.CAP_SYS_ADMIN) == 0 {
			t.Errorf("%s lacks what systemd needs: %x", set, bits)
		}
	}
	if !regexp.MustCompile(` ` + regexp.QuoteMeta(folder) + ` ro,`).Match(output) {
		t.Errorf("the folder is no read-only mount: %s", output)
	}
}

func TestRunSaysWhy(t *testing.T) {
	t.Parallel()
	if output, err := (Kernel{}).Run("sh", "-c", "echo yes"); err != nil || output != "yes\n" {
		t.Errorf("the program prints %q (error: %v)", output, err)
	}
	if _, err := (Kernel{}).Run("sh", "-c", "echo no >&2; exit 3"); err == nil || !strings.HasSuffix(err.Error(), "exit status 3: no") {
		t.Errorf("the error is %v", err)
	}
}
