//go:build linux

package preparation

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/watch"
)

func (c *Container) pmloggerPort() error {
	return errors.Join(
		c.add(c.PCP.Path(installation.SysconfigDir, "pmlogger"), "PMLOGGER_LOCAL=1\n"),
		c.add(c.PCP.Path(installation.SysconfigDir, "pmlogger_farm"), "PMLOGGER_LOCAL=1\n"),
	)
}

var primaryLogger = regexp.MustCompile(`^LOCALHOSTNAME\s`)

// archives: PCP's daily run merges and compresses archives as before, but removes none. The unit's own start limit would stop pmlogger for
// good after a volume that is full for a while.
func (c *Container) archives() error {
	archives, policy := watch.Archives(c.PCP, c.Options, c.Hostname)
	contents, err := archives.Look()
	if err != nil {
		return err
	}
	size := fmt.Sprintf(" -s %dkb", policy.PartOf(contents)/1024)
	err = c.edit(c.PCP.Path(installation.SysconfDir, "pmlogger/control.d/local"), "line for LOCALHOSTNAME", func(line string) string {
		if primaryLogger.MatchString(line) {
			return line + size
		}
		return line
	})
	return errors.Join(err,
		c.add(c.PCP.Path(installation.SysconfigDir, "pmlogger"), fmt.Sprintf("PMLOGGER_INTERVAL=%d\n", c.Options.Archives.Interval/time.Second)),
		c.dropIn("pmlogger", "archives", "[Unit]", "StartLimitIntervalSec=0", "[Service]", "ExecStartPre=-"+c.self("make-room")),
		c.dropIn("pmlogger_daily", "archives", "[Service]", `Environment="PMLOGGER_DAILY_PARAMS=-E -M -k forever"`),
	)
}

func (c *Container) openMetricsIntervals() error {
	for _, interval := range c.Options.OpenMetrics.Intervals {
		group := fmt.Sprintf("#pmlogconf-setup 2.0\nident\tOpenMetrics source %[1]s\nforce\tinclude\ndelta\t%[2]d seconds\n\tpmcd.numagents\n\topenmetrics.%[1]s\n",
			interval.Source, interval.Period/time.Second)
		if err := c.write(c.PCP.Path(installation.VarDir, "config/pmlogconf/exporters", interval.Source), group); err != nil {
			return err
		}
	}
	return nil
}

// Pushing is the first version that can push.
var Pushing = installation.Version{7, 0, 3}

// longestPush: a pmproxy forgets a push that pauses for 60 s.
const longestPush = 30 * time.Second

func (c *Container) push() error {
	version, err := c.PCP.Version()
	if err != nil {
		return err
	}
	if version.Before(Pushing) {
		return fmt.Errorf("nothing is pushed: --push needs PCP %s or later, and this is %s", Pushing, version)
	}
	command := strings.Join([]string{
		"/usr/bin/env", "pmlogger", "-c", c.PCP.Path(installation.VarDir, "config/pmlogger/config.default"),
		"-t", strconv.Itoa(int(min(c.Options.Archives.Interval, longestPush) / time.Second)), "-T", "24h",
		"-l", c.PCP.Path(installation.RunDir, "push.log"), quoteWord(c.Options.PushURL),
	}, " ")
	return errors.Join(
		c.dropIn("pmlogger", "push", "[Unit]", "Wants=pcp-push.service"),
		c.write(units+"/pcp-push.service", unit{
			description: "Push of archives to another pmproxy", after: "pmcd.service pmlogger.service",
			environment: []string{"PMLOGGER_LOCAL=1"}, command: command, pause: 15,
		}.String()),
	)
}
