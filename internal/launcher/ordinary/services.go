//go:build linux

// Package ordinary knows how PCP's services run in a container without privileges: with which arguments, in which environment and order.
package ordinary

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
	"github.com/performancecopilot/pcp-injector/internal/launcher/preparation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/supervisor"
	"github.com/performancecopilot/pcp-injector/internal/launcher/watch"
)

// Folder is the volume to which PCP writes all but archives. It is where the image's PCP has its sockets too, so what kubectl exec
// starts finds pmcd without a word about it.
const Folder = "/run/pcp"

// Container is an ordinary one.
type Container struct {
	*preparation.Container
	Processes *supervisor.Processes
	Keeper    *watch.Keeper
}

// Names of services that PCP's entrypoint does not know.
const (
	pmieRules = "pmie-rules"
	push      = "pmlogger-push"
)

const (
	// A pod has 30 s in all. pmlogger writes what it has, the others have nothing to lose.
	stopLimit         = 4 * time.Second
	pmloggerStopLimit = 10 * time.Second
)

// Services are those that are asked for. Each needs the first, pmcd, which ends last; pmlogger's archive is complete by then.
func (c *Container) Services() []supervisor.Service {
	all := []struct {
		asked bool
		supervisor.Service
	}{
		{c.runs(options.PMCD), c.service(options.PMCD, c.pmcd, c.pmcdAnswers)},
		{c.runs(options.PMLogger), supervisor.Service{Name: options.PMLogger, Program: c.pmlogger, Ready: nil, StopLimit: pmloggerStopLimit}},
		{c.runs(options.PMLogger) && c.pushes(), c.service(push, c.push, nil)},
		{c.runs(options.PMProxy), c.service(options.PMProxy, c.pmproxy, nil)},
		{c.runs(options.PMIE), c.service(options.PMIE, c.pmie, nil)},
		{c.runs(options.PMIE) && c.Options.PMIE.Rules, c.service(pmieRules, c.pmieRules, nil)},
	}
	var services []supervisor.Service
	for _, s := range all {
		if s.asked {
			services = append(services, s.Service)
		}
	}
	return services
}

func (c *Container) service(name string, args func() []string, ready func(context.Context) error) supervisor.Service {
	return supervisor.Service{
		Name: name, Ready: ready, StopLimit: stopLimit,
		Program: func(context.Context) (supervisor.Program, error) {
			// What was killed leaves its socket, and pmcd would do without one.
			err := os.Remove(c.PCP.InRoot(c.run(name + ".socket")))
			if errors.Is(err, fs.ErrNotExist) {
				err = nil
			}
			return c.program(args(), c.run()), err
		},
	}
}

// program is one of PCP's.
func (c *Container) program(words []string, dir string) supervisor.Program {
	return supervisor.Program{Path: words[0], Args: words[1:], Env: c.Environment(), Dir: dir}
}

func (c *Container) runs(service string) bool { return c.Entrypoint.Runs(service) }

// log is where services write what they have to say: their output, which the supervisor copies.
const log = "/dev/stderr"

func (c *Container) daemon(name string) string { return c.PCP.Path(installation.BinadmDir, name) }

func (c *Container) run(names ...string) string { return c.PCP.Path(installation.RunDir, names...) }

func (c *Container) pmcd() []string {
	// pmcd gives up on an agent after 3 s by default, but those in Python take longer on a busy node.
	return []string{
		c.daemon("pmcd"), "-f", "-A", "-q", "60", "-n", c.names(), "-l", log, "-s", c.run("pmcd.socket"), "-c", c.PCP.Path(installation.PMCDConf),
	}
}

func (c *Container) names() string { return c.PCP.Path(installation.VarDir, "pmns/root") }

func (c *Container) pmcdAnswers(ctx context.Context) error {
	_, err := c.Run(ctx, "", "pminfo", "-h", "unix:", "-f", "pmcd.version")
	return err
}

// Run runs a program of PCP's to its end.
func (c *Container) Run(ctx context.Context, stdin, name string, args ...string) (string, error) {
	return c.Processes.Run(ctx, c.program(append([]string{name}, args...), c.run()), stdin)
}

func (c *Container) pmproxy() []string {
	return []string{
		c.daemon("pmproxy"), "-f", "-A", "-l", log, "-s", c.run("pmproxy.socket"), "-c", c.PCP.Path(installation.SysconfDir, "pmproxy/pmproxy.conf"),
	}
}

// pmie says what it has to say without being told where, and wants no log that is not a file.
func (c *Container) pmie() []string {
	return []string{"pmie", "-f", "-P", "-h", "local:", "-c", c.PCP.Path(installation.VarDir, "config/pmie/config.default")}
}

func (c *Container) pmieRules() []string {
	return []string{"pmie", "-f", "-h", "local:", "-c", c.OwnRules()}
}

func (c *Container) loggerConfig() string {
	return c.PCP.Path(installation.VarDir, "config/pmlogger/config.default")
}

// longestPush: a pmproxy forgets a push that pauses for 60 s.
const longestPush = 30 * time.Second

func (c *Container) pushes() bool {
	if c.Options.PushURL == "" {
		return false
	}
	version, err := c.PCP.Version()
	if err == nil && !version.Before(preparation.Pushing) {
		return true
	}
	c.Logger.Warn("nothing is pushed", "version", version.String(), "needs", preparation.Pushing.String())
	return false
}

func (c *Container) push() []string {
	return []string{
		"pmlogger", "-c", c.loggerConfig(), "-t", seconds(min(c.Options.Archives.Interval, longestPush)), "-T", "24h", "-l", log, c.Options.PushURL,
	}
}

func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// pmlogger makes room, has the groups of metrics looked up again, and finds a name for the new archive.
func (c *Container) pmlogger(ctx context.Context) (supervisor.Program, error) {
	if err := c.Keeper.MakeRoom(); err != nil {
		return supervisor.Program{}, err
	}
	// pmlogconf keeps what it has found, so a group whose agent comes later would never be there.
	if err := os.Remove(c.PCP.InRoot(c.loggerConfig())); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return supervisor.Program{}, err
	}
	if _, err := c.Run(ctx, "", c.daemon("pmlogconf"), "-c", "-q", "-h", "local:", c.loggerConfig()); err != nil {
		return supervisor.Program{}, err
	}
	contents, err := c.Keeper.Folder.Look()
	if err != nil {
		return supervisor.Program{}, err
	}
	folder := c.PCP.Path(installation.ArchiveDir, c.Hostname)
	if err := os.MkdirAll(c.PCP.InRoot(folder), 0o775); err != nil { //nolint:gosec // as PCP's own
		return supervisor.Program{}, err
	}
	args := []string{
		"pmlogger", "-P", "-r", "-c", c.loggerConfig(), "-l", log, "-t", seconds(c.Options.Archives.Interval), "-T", "24h10m",
		"-s", fmt.Sprintf("%dkb", c.Keeper.Policy.PartOf(contents)/1024), freeName(c.PCP.InRoot(folder), time.Now()),
	}
	return c.program(args, folder), nil
}

// freeName is that of a new archive, as PCP's scripts call it: two of one minute differ at the end.
func freeName(folder string, now time.Time) string {
	name := now.Format("20060102.15.04")
	for n := 0; ; n++ {
		candidate := name
		if n > 0 {
			candidate = fmt.Sprintf("%s-%02d", name, n-1)
		}
		if found, _ := filepath.Glob(filepath.Join(folder, candidate) + ".*"); len(found) == 0 { // The pattern is well-formed.
			return candidate
		}
	}
}

// Environment of services: nothing of the container's, where a Service of Kubernetes' called pmcd would set PMCD_PORT.
func (c *Container) Environment() []string {
	env := []string{
		"PATH=" + c.PCP.Path(installation.BinadmDir) + ":/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME=" + c.run(), "LC_ALL=C.UTF-8",
		"PCP_CONF=" + c.run("pcp.conf"), "PMNS_DEFAULT=" + c.names(), "PMLOGGER_LOCAL=1",
		"PMLOGGER_INTERVAL=" + seconds(c.Options.Archives.Interval),
	}
	// What is not said here is what PCP does by default: listen on all addresses, and say nothing of processes' environment.
	if c.Options.Listen == options.Loopback {
		env = append(env, "PMCD_LOCAL=1", "PMPROXY_LOCAL=1")
	}
	if c.Options.ProcessDetails {
		env = append(env, "PROC_ACCESS=1")
	}
	if c.Entrypoint.HostMount != "" {
		env = append(env, "PROC_STATSPATH="+c.HostFiles(), "LINUX_STATSPATH="+c.Entrypoint.HostMount)
	}
	if c.Options.OpenMetrics.CABundle {
		env = append(env, "REQUESTS_CA_BUNDLE="+c.CABundle())
	}
	return env
}
