package ordinary

import (
	_ "embed"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
)

// rootsVariable lists the unpacked file systems of PCP images, such as those of test/e2e/pcpimage, with colons in between.
const rootsVariable = "PCP_ROOTFS"

//go:embed testdata/inside.sh
var inside string

// TestRealPCP runs real PCP as a user without a capability, on a read-only root file system, in namespaces of its own. It needs root
// and an image's file system.
func TestRealPCP(t *testing.T) {
	roots := filepath.SplitList(os.Getenv(rootsVariable))
	if len(roots) == 0 || os.Getuid() != 0 {
		t.Skipf("needs root and, in %s, the file system of an image", rootsVariable)
	}
	launcher := filepath.Join(t.TempDir(), "pcp-launcher")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", launcher, "../../../cmd/pcp-launcher")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, root := range roots {
		t.Run(filepath.Base(root), func(t *testing.T) { realPCP(t, root, launcher) })
	}
}

func realPCP(t *testing.T, root, launcher string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "bash", "-euc", inside, "inside", root, launcher, t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL,
	}
	output, err := cmd.CombinedOutput()
	t.Logf("%s", output)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`(?m)^source: value 1$`, `(?m)^state: 4 services run$`, `(?m)^after the death of pmcd: answers$`, `(?m)^after the death of pmlogger: [2-9] archives$`,
		`(?m)^exit code 0$`, `(?m)^pmlogcheck: the last archive is complete$`, `(?m)^archived: the source$`, `(?m)^left: no process$`,
	} {
		if !regexp.MustCompile(want).Match(output) {
			t.Errorf("the output does not have %s", want)
		}
	}
	match := regexp.MustCompile(`(?m)^metrics with values: (\d+)$`).FindSubmatch(output)
	if match == nil {
		t.Fatal("the number of metrics is missing")
	}
	// Root, with all capabilities, has about 1,500 and 1,800.
	if count, err := strconv.Atoi(string(match[1])); err != nil || count < 1400 {
		t.Errorf("only %d metrics have values (error: %v)", count, err)
	}
}
