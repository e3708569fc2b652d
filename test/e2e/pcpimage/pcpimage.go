// Package pcpimage builds PCP images from Debian's packages, without a registry and without a container engine: their file
// systems come from debootstrap, their metadata honors the contract of upstream's image (build/containers/pcp).
package pcpimage

import (
	"context"
	_ "embed"
	"fmt"
	"io"
	"slices"

	"github.com/performancecopilot/pcp-injector/test/e2e/imagecache"
)

// Image is a PCP image that Archive builds.
type Image struct {
	// Name is what a pod's container gives as its image, such as localhost/pcp:trixie.
	Name string
	// Version is what PCP's version begins with, up to a dot: 6.3 is that of 6.3.8. A build that gets another one fails.
	Version string

	// suite is the release of Debian that PCP is of, system the one that the rest is of.
	suite, system string
	// packages are further ones of suite, beside those of all images.
	packages []string
	// environment is the image's, beside PATH.
	environment []string
	// others are further images with the same files, by name.
	others map[string]runSettings
}

// Pause is the name of an image in Trixie's archive that only sleeps: what holds a pod's namespaces.
const Pause = "localhost/pause:trixie"

// legacyGroups is for systemd 256 and 257, which refuse to run on a node with control groups of version 1 without it. Later ones know no such groups.
const legacyGroups = "SYSTEMD_PROC_CMDLINE=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1"

var (
	// Trixie is the image to take: PCP of Debian's stable release. It has Python and a key server (valkey-server) for other pods,
	// and bpftrace, which the others lack.
	Trixie = Image{
		Name: "localhost/pcp:trixie", Version: "6.3", suite: "trixie", system: "trixie",
		packages: []string{"valkey-server", "bpftrace"}, environment: []string{legacyGroups},
		others: map[string]runSettings{Pause: {Entrypoint: []string{"/usr/bin/sleep", "infinity"}}},
	}
	// Sid has the newest PCP that Debian has, the nearest to upstream's image. It is PCP from sid, with the libraries that it needs
	// from there, on trixie's systemd 257: sid's systemd does not start on a node with control groups of version 1.
	Sid = Image{Name: "localhost/pcp:sid", Version: "7.2", suite: "sid", system: "trixie", environment: []string{legacyGroups}}
	// Bookworm has a PCP that does not repair the ownership of its folders at boot: upstream's does since 6.2.2.
	Bookworm = Image{Name: "localhost/pcp:bookworm", Version: "6.0", suite: "bookworm", system: "bookworm"}
)

var (
	//go:embed build.sh
	script []byte
	//go:embed entrypoint.sh
	entrypoint []byte
)

// Archive returns the path of an archive with the image, in the format of docker save, which imagecache keeps in the user's cache. It is
// built if what it is made of has changed (1 to 2 minutes, shown on progress), which needs root, debootstrap and Debian's mirror;
// the error has the end of the output of what failed.
func (i Image) Archive(ctx context.Context, progress io.Writer) (string, error) {
	image := imagecache.Image{Name: "pcp-" + i.suite, Key: i.key(), Files: map[string][]byte{"build.sh": script, "entrypoint.sh": entrypoint}}
	image.Build = func(ctx context.Context, folder string) error {
		fmt.Fprintf(progress, "building %s from Debian's packages: 1 to 2 minutes; kept in the cache afterwards\n", i.Name)
		return i.build(ctx, folder)
	}
	return image.Archive(ctx)
}

// key changes with what the image is made of, Debian's updates aside: remove the archive to get those.
func (i Image) key() string {
	return imagecache.Key(script, entrypoint, fmt.Append(nil, i.arguments(), i.settings()))
}

// arguments are those of build.sh, after the folder.
func (i Image) arguments() []string {
	return slices.Concat([]string{i.system, i.suite, i.Version, "pcp", "pcp-zeroconf", "python3-requests", "procps", "curl"}, i.packages)
}
