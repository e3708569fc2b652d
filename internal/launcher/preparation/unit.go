//go:build linux

package preparation

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
)

// unit is a service of systemd's that runs as PCP's user and for ever.
type unit struct {
	description, after string
	environment        []string
	command            string
	// pause before it is started again, in seconds.
	pause int
}

func (u unit) String() string {
	var environment strings.Builder
	for _, variable := range u.environment {
		fmt.Fprintf(&environment, "Environment=%s\n", quote(variable))
	}
	return fmt.Sprintf("[Unit]\nDescription=%s\nAfter=%s\nStartLimitIntervalSec=0\n[Service]\nUser=%s\nNoNewPrivileges=yes\n%sExecStart=%s\nRestart=always\nRestartSec=%d\n",
		u.description, u.after, installation.User, &environment, u.command, u.pause)
}

// watchUnit is the service that watches.
const watchUnit = "pcp-launcher.service"

// watch has systemd start this program too. Nothing else starts the unit, so multi-user.target wants it, as it does PCP's own.
func (c *Container) watch() error {
	wants := units + "/multi-user.target.wants"
	return errors.Join(
		c.write(units+"/"+watchUnit, unit{
			description: "Watch over PCP's archives and sources", after: "pmcd.service pmlogger.service",
			environment: []string{"PCP_SERVICES=" + strings.Join(c.Entrypoint.Services, ",")}, command: c.self("watch"), pause: 1,
		}.String()),
		os.MkdirAll(c.path(wants), folderMode),
		c.link("../"+watchUnit, wants+"/"+watchUnit),
	)
}

// self is the command line that runs this program with the same flags.
func (c *Container) self(command string) string {
	words := []string{c.Launcher, command}
	for _, arg := range c.Options.Args() {
		words = append(words, quoteWord(arg))
	}
	return strings.Join(words, " ")
}

// quote writes a value as a unit needs it: https://www.freedesktop.org/software/systemd/man/latest/systemd.syntax.html.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "%", "%%").Replace(text) + `"`
}

// plain words need no quotes.
var plain = regexp.MustCompile(`^[A-Za-z0-9_./:=,@+-]+$`)

// quoteWord does so for a word of a command line, in which systemd replaces variables too.
func quoteWord(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return quote(strings.ReplaceAll(text, "$", "$$"))
}
