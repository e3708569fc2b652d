//go:build linux

package preparation

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
	"github.com/performancecopilot/pcp-injector/internal/launcher/options"
)

// Ordinary are the preparations of a container without privileges, in which the launcher is the first process, and PCP writes to one folder
// only. c.PCP is already relocated to it, image is where the image's files are.
func Ordinary(c *Container, image *installation.Installation) []Preparation {
	pmcd, pmlogger, pmproxy, pmie := c.runs(options.PMCD), c.runs(options.PMLogger), c.runs(options.PMProxy), c.runs(options.PMIE)
	o := c.Options
	takesArchives := o.AcceptArchives || o.AcceptWrites
	return []Preparation{
		{"agents-that-work", "some agents need root, and would be missing without a word", false, true, c.onlyWorkingAgents},
		{"configuration", "the image cannot be written, so PCP's configuration is a copy", false, true, func() error { return c.copyConfiguration(image) }},
		{"libraries", "agents that want to be root work as libraries of pmcd", false, pmcd, c.libraries},
		{"identifiers", "archives of two pods must call a metric the same, so the agents' identifiers are kept with them", false, pmcd, c.identifiers},
		{"files", "the administrator's files replace the image's, as links, so that changes of a ConfigMap arrive", false, len(o.Files) > 0, c.files},
		{"openmetrics-ca", "the agent openmetrics trusts one file of CAs, so the image's and the administrator's become one", true, pmcd && o.OpenMetrics.CABundle, c.bundleCAs},
		{"pmie-stock-rules", "pmie has rules of its own, and logs where nobody looks", false, pmie, c.ordinaryStockRules},
		{"pmie-webhook", "pmie's stock rules call the administrator's webhook", false, pmie && o.PMIE.Webhook, c.pmieWebhook},
		{"pmie-rules", "a second pmie evaluates the administrator's own rules", false, pmie && o.PMIE.Rules, c.pmieRules},
		{"control-groups", "PCP prepends HOST_MOUNT to paths of control groups that already have it", false, pmcd && c.Entrypoint.HostMount != "", c.linkHost},
		{"openmetrics-intervals", "some sources are archived more often, and the first group that has a source decides", false, pmcd && pmlogger && len(o.OpenMetrics.Intervals) > 0, c.openMetricsIntervals},
		{"key-servers", "pmproxy asks them", false, pmproxy, c.keyServers},
		{"no-archives", "from PCP 7 on, pmproxy would take archives from anyone (/logger), which could fill its volume", false, pmproxy && !takesArchives, c.noArchives},
		{"no-stores", "pmproxy would store values for anyone (/pmapi/store), so pmcd stores none for local clients such as pmproxy", false, pmcd && pmproxy && !o.AcceptWrites, c.noStores},
		{"names", "pmcd needs the names of the metrics, in a file that the image may not have", false, pmcd, c.names},
	}
}

// workingAgents work in an ordinary container, as tests show.
var workingAgents = []string{"openmetrics"}

func (c *Container) onlyWorkingAgents() error {
	for _, agent := range c.Entrypoint.Agents {
		if !slices.Contains(workingAgents, agent) {
			return fmt.Errorf("the agent %s is not known to work without privileges: set container.privileged, or remove it; these work: %s", agent, strings.Join(workingAgents, ", "))
		}
	}
	return nil
}

// copyConfiguration also makes the folders that PCP's services write to.
func (c *Container) copyConfiguration(image *installation.Installation) error {
	// The volume outlives the container: what is there has links to what cannot be written.
	for _, name := range []string{"etc", "var", "log", "tmp", "sysconfig", "host"} {
		if err := os.RemoveAll(c.path(c.PCP.Path(installation.RunDir, name))); err != nil {
			return err
		}
	}
	for _, name := range []string{"log/pmcd", "log/pmlogger", "log/pmproxy", "log/pmie", "tmp/pmlogger", "tmp/pmie", "tmp/mmv", "tmp/json", "var/config/pmie", "var/config/pmlogger", "sysconfig"} {
		if err := os.MkdirAll(c.path(c.PCP.Path(installation.RunDir, name)), folderMode); err != nil {
			return err
		}
	}
	return errors.Join(
		copyTree(image.InRoot(image.Path(installation.SysconfDir)), c.path(c.PCP.Path(installation.SysconfDir))),
		copyTree(image.InRoot(image.Path(installation.VarDir, "pmns")), c.path(c.PCP.Path(installation.VarDir, "pmns"))),
		copyTree(image.InRoot(image.Path(installation.VarDir, "config/pmlogconf")), c.path(c.PCP.Path(installation.VarDir, "config/pmlogconf"))),
		copyTree(image.InRoot(image.Path(installation.VarDir, "config/pmieconf")), c.path(c.PCP.Path(installation.VarDir, "config/pmieconf"))),
		c.write(c.PCP.Path(installation.RunDir, "pcp.conf"), c.PCP.Text()),
	)
}

// maxFile and maxDepth bound what is copied: PCP's largest file of configuration has 300 kB.
const (
	maxFile  = 1 << 20
	maxDepth = 8
)

// copyTree copies files, also those that links lead to. What cannot be read is left out: root's own.
func copyTree(from, to string) error { return copyLevel(from, to, maxDepth) }

func copyLevel(from, to string, depth int) error {
	entries, err := os.ReadDir(from)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || depth == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, folderMode); err != nil {
		return err
	}
	for _, entry := range entries {
		source, target := filepath.Join(from, entry.Name()), filepath.Join(to, entry.Name())
		info, err := os.Stat(source)
		switch {
		case err != nil || strings.HasPrefix(entry.Name(), ".."): // A link to nowhere, or a folder that the kubelet keeps versions in.
		case info.IsDir():
			err = copyLevel(source, target, depth-1)
			if err != nil {
				return err
			}
		case info.Mode().IsRegular() && info.Size() <= maxFile:
			if err := copyFile(source, target, info.Mode()); err != nil {
				return err
			}
		}
	}
	return nil
}

func copyFile(from, to string, mode fs.FileMode) error {
	source, err := os.Open(from)
	if errors.Is(err, fs.ErrPermission) {
		return nil
	}
	if err != nil {
		return err
	}
	defer source.Close()
	// Its owner writes to it, whoever wrote the image's.
	target, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode.Perm()|0o200)
	if err != nil {
		return err
	}
	_, err = io.Copy(target, source)
	return errors.Join(err, target.Close())
}

// libraryAgents want to be root as processes: they call setgid. As libraries, they are whoever pmcd is.
var libraryAgents = map[string]string{"linux": "60", "proc": "3", "xfs": "11"}

// openMetricsDomain is the agent's number in PCP.
const openMetricsDomain = "144"

// libraries keeps other libraries of the image's pmcd.conf, and leaves out other processes, which want to be root.
func (c *Container) libraries() error {
	file := c.PCP.Path(installation.PMCDConf)
	content, err := os.ReadFile(c.path(file))
	if err != nil {
		return err
	}
	var agents, access strings.Builder
	inAccess := false
	for lines := bufio.NewScanner(strings.NewReader(string(content))); lines.Scan(); {
		line := lines.Text()
		inAccess = inAccess || strings.HasPrefix(line, "[access]")
		switch {
		case inAccess:
			access.WriteString(line + "\n")
		default:
			agents.WriteString(c.library(line))
		}
	}
	if c.Entrypoint.Has("openmetrics") {
		fmt.Fprintf(&agents, "openmetrics\t%s\tpipe\tbinary notready\tpython3 %s\n", openMetricsDomain, c.PCP.Path(installation.PMDAsDir, "openmetrics/pmdaopenmetrics.python"))
	}
	return c.write(file, agents.String()+"\n"+access.String())
}

// library is a line of pmcd.conf as it works here: none, if it does not.
func (c *Container) library(line string) string {
	fields := strings.Fields(line)
	if len(fields) < 4 || strings.HasPrefix(fields[0], "#") {
		return ""
	}
	name := fields[0]
	if domain, isLibrary := libraryAgents[name]; isLibrary {
		return fmt.Sprintf("%s\t%s\tdso\t%s_init\t%s\n", name, domain, name, c.PCP.Path(installation.PMDAsDir, name, "pmda_"+name+".so"))
	}
	if fields[2] == "dso" {
		return line + "\n"
	}
	if !c.Entrypoint.Has(name) {
		c.Logger.Info("left out, as it needs root", "agent", name)
	}
	return ""
}

// identifiers are in a hidden folder beside the archives, which is not one of a host.
func (c *Container) identifiers() error {
	here := c.PCP.Path(installation.VarDir, "config/pmda")
	if !c.runs(options.PMLogger) {
		return os.MkdirAll(c.path(here), folderMode)
	}
	kept := c.PCP.Path(installation.ArchiveDir, c.Hostname, ".identifiers")
	if err := errors.Join(os.MkdirAll(c.path(kept), folderMode), os.MkdirAll(filepath.Dir(c.path(here)), folderMode)); err != nil {
		return err
	}
	return c.link(kept, here)
}

func (c *Container) bundleCAs() error {
	text, err := c.allCAs()
	return errors.Join(err, c.write(c.CABundle(), text))
}

// CABundle is what the agent openmetrics of an ordinary container trusts.
func (c *Container) CABundle() string { return c.PCP.Path(installation.RunDir, "openmetrics-ca.pem") }

// ordinaryStockRules: there is no system log here. The image may not have one of the rules that are asked for.
func (c *Container) ordinaryStockRules() error {
	if err := c.pmieconf("modify", "global", "syslog_action", "no"); err != nil {
		return err
	}
	for _, rule := range c.Options.PMIE.StockRules {
		if err := c.pmieconf("enable", rule); err != nil {
			c.Logger.Warn("the image has no such rule", "rule", rule, "error", err)
		}
	}
	return nil
}

// HostFiles is the folder that has the node's proc and sys.
func (c *Container) HostFiles() string { return c.PCP.Path(installation.RunDir, "host") }

func (c *Container) linkHost() error { return c.linkHostTo(c.HostFiles()) }

func (c *Container) keyServers() error {
	return c.edit(c.PCP.Path(installation.SysconfDir, "pmproxy/pmproxy.conf"), "line servers =", func(line string) string {
		if name, _, found := strings.Cut(line, "="); found && strings.TrimSpace(name) == "servers" {
			return "servers = " + strings.Join(c.Entrypoint.KeyServers, ",") + " "
		}
		return line
	})
}

// names builds the root of the metrics' names, as pmcd's own start does.
func (c *Container) names() error {
	folder := c.PCP.Path(installation.VarDir, "pmns")
	if _, err := c.System.Run("sh", "-c", `cd "$1" && rm -f root && sh ./Rebuild -s`, "sh", c.path(folder)); err != nil {
		return err
	}
	if !c.Entrypoint.Has("openmetrics") {
		return nil
	}
	return c.edit(path.Join(folder, "root"), "line root {", func(line string) string {
		if line == "root {" {
			return line + "\n\topenmetrics\t" + openMetricsDomain + ":*:*"
		}
		return line
	})
}
