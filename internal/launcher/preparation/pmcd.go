//go:build linux

package preparation

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/launcher/installation"
)

func (c *Container) processDetails() error {
	return c.dropIn("pmcd", "proc-access", "[Service]", `Environment="PROC_ACCESS=0"`)
}

// agents: the file's last line may have no end.
func (c *Container) agents() error { return c.add(c.PCP.Path(installation.PMCDOptions), "\n-q 60\n") }

func (c *Container) noStores() error {
	const before, after = `allow "local:*" : all;`, `disallow "local:*" : store;`
	return c.edit(c.PCP.Path(installation.PMCDConf), "line "+before, func(line string) string {
		if rest, found := strings.CutPrefix(line, before); found {
			return after + rest
		}
		return line
	})
}

func (c *Container) listenOnLoopback() error {
	return errors.Join(
		c.add(c.PCP.Path(installation.SysconfigDir, "pmcd"), "PMCD_LOCAL=1\n"),
		c.add(c.PCP.Path(installation.SysconfigDir, "pmproxy"), "PMPROXY_LOCAL=1\n"),
	)
}

func (c *Container) noArchives() error {
	return c.add(c.PCP.Path(installation.SysconfDir, "pmproxy/pmproxy.conf"), "\n[pmlogger]\nenabled = false\n")
}

// openMetricsCA: the library of the agent knows which file it trusts by itself.
func (c *Container) openMetricsCA() error {
	const bundle = "/var/lib/pcp-openmetrics-ca.pem"
	text, err := c.allCAs()
	return errors.Join(err, c.write(bundle, text),
		c.dropIn("pmcd", "openmetrics-ca", "[Service]", fmt.Sprintf("Environment=%s", quote("REQUESTS_CA_BUNDLE="+bundle))))
}

// allCAs are those that could be read, with an error about the others.
func (c *Container) allCAs() (string, error) {
	own, err := c.System.Run("python3", "-c", "import requests; print(requests.certs.where())")
	var all strings.Builder
	for _, file := range []string{strings.TrimSpace(own), filesVolume + "/ca.crt"} {
		content, readErr := os.ReadFile(c.path(file))
		err = errors.Join(err, readErr)
		fmt.Fprintf(&all, "%s\n", content)
	}
	return all.String(), err
}

// files are links, not mounts of single files (subPath): such a mount never changes, and if the object is missing, it is an empty folder.
func (c *Container) files() error {
	for _, file := range c.Options.Files {
		if _, err := os.Stat(c.path(filesVolume + file)); err != nil {
			c.Logger.Warn("missing: its ConfigMap or Secret does not exist, or does not have the key", "file", file)
		}
		place := c.PCP.Place(file)
		if err := os.MkdirAll(filepath.Dir(c.path(place)), folderMode); err != nil {
			return err
		}
		if err := c.replaceByLink(file, place); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	return nil
}

// replaceByLink puts a link to a file of the volume where PCP looks for it.
func (c *Container) replaceByLink(file, place string) error {
	resolved, err := resolve(c.path(place))
	if err != nil {
		return err
	}
	return c.link(filesVolume+file, path.Join("/", strings.TrimPrefix(resolved, c.PCP.Root)))
}

// maxLinks is how many links the kernel follows.
const maxLinks = 40

// resolve follows links, also to what does not exist yet: the image may have a link where PCP looks for a file.
func resolve(path string) (string, error) {
	for range maxLinks {
		folder, err := filepath.EvalSymlinks(filepath.Dir(path))
		if err != nil {
			return "", fmt.Errorf("its folder: %w", err)
		}
		path = filepath.Join(folder, filepath.Base(path))
		target, err := os.Readlink(path)
		switch {
		case errors.Is(err, fs.ErrNotExist), isNoLink(err):
			return path, nil
		case err != nil:
			return "", err
		case !filepath.IsAbs(target):
			target = filepath.Join(folder, target)
		}
		path = target
	}
	return "", errors.New("too many links")
}
