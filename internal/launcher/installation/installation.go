// Package installation knows where PCP's files are in an image: pcp.conf says it, for each distribution
// (https://man7.org/linux/man-pages/man5/pcp.conf.5.html).
package installation

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Configuration is where pcp.conf is.
const Configuration = "/etc/pcp.conf"

// Installation is what pcp.conf says.
type Installation struct {
	// Root is the file system that PCP is in: "/".
	Root      string
	variables map[string]string
	received  string
	// image is what was relocated.
	image *Installation
}

// Read reads pcp.conf. The environment wins over it, as in PCP itself.
func Read(root string, lookup func(string) (string, bool)) (*Installation, error) {
	path := filepath.Join(root, Configuration)
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("the image has no PCP: %w", err)
	}
	i := &Installation{Root: root, variables: map[string]string{}}
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		name, value, found := strings.Cut(lines.Text(), "=")
		if !found || !strings.HasPrefix(name, "PCP_") {
			continue
		}
		if given, found := lookup(name); found {
			value = given
		}
		i.variables[name] = value
	}
	i.received = filepath.Join(i.variables[LogDir], "pmproxy")
	for _, name := range needed {
		if !filepath.IsAbs(i.variables[name]) {
			return nil, fmt.Errorf("%s: %s is %q, must be an absolute path: the image's PCP is not one that this program knows", path, name, i.variables[name])
		}
	}
	return i, nil
}

// needed are the variables that methods below, or others of the launcher, ask for.
var needed = []string{
	SysconfDir, SysconfigDir, VarDir, RunDir, LogDir, TmpDir, ArchiveDir, BinadmDir, PMDAsDir, PMCDConf, PMCDOptions,
}

// Names of variables.
const (
	SysconfDir   = "PCP_SYSCONF_DIR"
	SysconfigDir = "PCP_SYSCONFIG_DIR"
	VarDir       = "PCP_VAR_DIR"
	RunDir       = "PCP_RUN_DIR"
	LogDir       = "PCP_LOG_DIR"
	TmpDir       = "PCP_TMP_DIR"
	ArchiveDir   = "PCP_ARCHIVE_DIR"
	BinadmDir    = "PCP_BINADM_DIR"
	PMDAsDir     = "PCP_PMDAS_DIR"
	PMCDConf     = "PCP_PMCDCONF_PATH"
	PMCDOptions  = "PCP_PMCDOPTIONS_PATH"

	// TmpFileDir is for files of single programs.
	TmpFileDir = "PCP_TMPFILE_DIR"

	version = "PCP_VERSION"
)

// Path is that of a variable, without the root, and of names below it.
func (i *Installation) Path(variable string, names ...string) string {
	return filepath.Join(append([]string{i.variables[variable]}, names...)...)
}

// InRoot is where a path of the image's is.
func (i *Installation) InRoot(path string) string { return filepath.Join(i.Root, path) }

// Received is the folder of archives that others push. Before PCP 7, no variable names it.
func (i *Installation) Received() string { return i.received }

var versionText = regexp.MustCompile(`^(\d{1,6})\.(\d{1,6})\.(\d{1,6})$`)

// VersionText is what pcp.conf says.
func (i *Installation) VersionText() string { return i.variables[version] }

// Version is PCP's.
type Version [3]int

// Version says which PCP it is.
func (i *Installation) Version() (Version, error) {
	match := versionText.FindStringSubmatch(i.variables[version])
	if match == nil {
		return Version{}, fmt.Errorf("%s of pcp.conf is %q, must be a version", version, i.variables[version])
	}
	var v Version
	var err error
	for n := range v {
		var numberErr error
		v[n], numberErr = strconv.Atoi(match[n+1])
		err = errors.Join(err, numberErr)
	}
	return v, err
}

func (v Version) String() string { return fmt.Sprintf("%d.%d.%d", v[0], v[1], v[2]) }

// Before compares two versions.
func (v Version) Before(other Version) bool {
	for n := range v {
		if v[n] != other[n] {
			return v[n] < other[n]
		}
	}
	return false
}
