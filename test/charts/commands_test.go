package charts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The charts, from this package's folder.
const (
	injectorChart = "../../charts/pcp-injector"
	pcpChart      = "../../charts/pcp"
)

// output is what a command said.
type output struct {
	stdout, stderr string
	err            error
	// took is how long it ran, and processor how long it had one.
	took, processor time.Duration
}

func (o output) all() string { return o.stdout + o.stderr }

// execute runs a command to its end.
func execute(t *testing.T, input string, environment []string, name string, arguments ...string) output {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, arguments...)
	var stdout, stderr strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	cmd.Env = append(os.Environ(), environment...)
	began := time.Now()
	err := cmd.Run()
	said := output{stdout: stdout.String(), stderr: stderr.String(), err: err, took: time.Since(began)}
	if state := cmd.ProcessState; state != nil {
		said.processor = state.UserTime() + state.SystemTime()
	}
	return said
}

// must is what the command said, if it succeeded.
func (o output) must(t *testing.T, what ...string) string {
	t.Helper()
	if o.err != nil {
		t.Fatalf("%s: %v\n%s%s", strings.Join(what, " "), o.err, o.stdout, o.stderr)
	}
	return o.stdout
}

// kubectl runs kubectl as the administrator.
func kubectl(t *testing.T, input string, arguments ...string) output {
	t.Helper()
	return execute(t, input, plane.Environment(), plane.Kubectl(), arguments...)
}

// mustKubectl is what kubectl says, if it succeeds.
func mustKubectl(t *testing.T, input string, arguments ...string) string {
	t.Helper()
	return kubectl(t, input, arguments...).must(t, append([]string{"kubectl"}, arguments...)...)
}

// helm is one version of Helm, with a home of its own.
type helm struct {
	t       *testing.T
	command string
	home    string
}

// newHelm takes the name of a tool: helm, which is Helm 4, or helm3.
func newHelm(t *testing.T, tool string) helm {
	t.Helper()
	return helm{t: t, command: tools[tool], home: t.TempDir()}
}

func (h helm) run(arguments ...string) output {
	h.t.Helper()
	return execute(h.t, "", h.environment(), h.command, arguments...)
}

func (h helm) environment() []string {
	environment := plane.Environment()
	for _, folder := range []string{"CACHE", "CONFIG", "DATA"} {
		environment = append(environment, "HELM_"+folder+"_HOME="+filepath.Join(h.home, folder))
	}
	return environment
}

func (h helm) must(arguments ...string) string {
	h.t.Helper()
	return h.run(arguments...).must(h.t, append([]string{filepath.Base(h.command)}, arguments...)...)
}
