package toolchain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// goCommand is the go command in a folder, with an environment that gives everybody the same executable. GOFLAGS, a workspace, a
// cross-compilation's target or cgo would change or break it.
func goCommand(folder string, arguments ...string) *exec.Cmd {
	cmd := process.Command("go", arguments...)
	cmd.Dir = folder
	cmd.Env = append(collection(os.Environ()), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off", "GOOS=", "GOARCH=", "PWD="+folder)
	return cmd
}

// collection makes the compiler collect its garbage less often, which saves a sixth of its time, until its heap has 3 GiB. The largest
// packages of kube-apiserver take that much anyway. The user's own settings stay.
func collection(environment []string) []string {
	set := func(entry string) bool {
		return strings.HasPrefix(entry, "GOGC=") || strings.HasPrefix(entry, "GOMEMLIMIT=")
	}
	if slices.ContainsFunc(environment, set) {
		return environment
	}
	return append([]string{"GOGC=800", "GOMEMLIMIT=3GiB"}, environment...)
}

// runGo runs the go command with a folder for its temporary files, and passes on its standard error, which is also quoted if it fails.
func runGo(ctx context.Context, folder, temporary string, stderr io.Writer, arguments ...string) error {
	cmd := goCommand(folder, arguments...)
	cmd.Env = append(cmd.Env, "GOTMPDIR="+temporary)
	said := &complaints{}
	cmd.Stderr = io.MultiWriter(stderr, said)
	return explain(ctx, arguments[0], process.Run(ctx, cmd), said.text())
}

// goOutput runs the go command and returns what it prints.
func goOutput(ctx context.Context, folder string, arguments ...string) (string, error) {
	cmd := goCommand(folder, arguments...)
	said, stdout := &complaints{}, &bytes.Buffer{}
	cmd.Stdout, cmd.Stderr = stdout, said
	err := explain(ctx, arguments[0], process.Run(ctx, cmd), said.text())
	return strings.TrimSpace(stdout.String()), err
}

// explain turns a failure of the go command into an error with a remedy.
func explain(ctx context.Context, verb string, err error, said string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("go %s was stopped: %w; what was compiled so far is kept in Go's build cache", verb, ctx.Err())
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("the go command is not on PATH: install Go 1.26 or newer from https://go.dev/dl: %w", err)
	}
	return fmt.Errorf("go %s failed: %w%s\n%s", verb, err, remedy(said), said)
}

// remedy is advice for the failures that have nothing to do with the code.
func remedy(said string) string {
	for _, advice := range []struct{ sign, remedy string }{
		{"no space left on device", "the disk is full: the Go build cache and module cache need about 6 GB (see go env GOCACHE GOMODCACHE TMPDIR)"},
		{"signal: killed", "the compiler was killed, most likely for lack of memory: kube-apiserver needs about 3 GB"},
		{"module lookup disabled", "modules are missing and GOPROXY=off forbids to download them: set GOPROXY, for example to https://proxy.golang.org,direct"},
		{"dial tcp", noNetwork},
		{"i/o timeout", noNetwork},
		{"proxyconnect", noNetwork},
		{"TLS handshake", noNetwork},
		{"no such host", noNetwork},
	} {
		if strings.Contains(said, advice.sign) {
			return ": " + advice.remedy
		}
	}
	return ""
}

const noNetwork = "the Go module proxy cannot be reached: check the network, and the settings HTTPS_PROXY and GOPROXY; with the modules downloaded once, no network is needed"

// complaints keeps the last messages of the go command, without the names of packages and modules that it lists on the way.
type complaints struct {
	lines lineWriter
	kept  []string
}

func (c *complaints) Write(data []byte) (int, error) {
	return c.lines.each(data, func(line string) {
		if strings.HasPrefix(line, "go: downloading ") || isPackage(line) {
			return
		}
		c.kept = append(c.kept, line)
		c.kept = c.kept[max(0, len(c.kept)-30):]
	})
}

func (c *complaints) text() string { return strings.Join(c.kept, "\n") }

// isPackage reports whether a line of go build -v is an import path and not a message.
func isPackage(line string) bool { return line != "" && !strings.ContainsAny(line, " :") }

// lineWriter splits what is written to it into lines.
type lineWriter struct{ rest []byte }

func (l *lineWriter) each(data []byte, handle func(line string)) (int, error) {
	l.rest = append(l.rest, data...)
	for {
		line, rest, complete := bytes.Cut(l.rest, []byte("\n"))
		if !complete {
			return len(data), nil
		}
		handle(string(line))
		l.rest = rest
	}
}
