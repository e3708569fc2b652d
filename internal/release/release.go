// Package release makes everything that a release of the project publishes: the webhook's image, the plugin, the charts, a manifest for
// users without Helm, and the files by which users check them. The same commit gives the same bytes, except in index.yaml, which says when
// it was made, and in its checksum.
package release

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/blang/semver/v4"
)

const (
	// repository of the project and its releases.
	repository = "https://github.com/performancecopilot/pcp-injector"
	// Image is the name under which the webhook's image is published.
	Image = "ghcr.io/performancecopilot/pcp-injector"
)

// Release is the input of a release.
type Release struct {
	Root    string     // folder of the go.mod
	Out     string     // folder that is made, with all files of the release
	Version string     // vMAJOR.MINOR.PATCH, or a version before it such as v1.2.0-rc.1
	Time    time.Time  // of every file in the archives and of the image: the commit's
	Image   []Platform // of the webhook's image
	Plugin  []Platform
	Tools   Tools
	// Index is the index.yaml of the earlier releases, which the new one continues; empty if there is none.
	Index string
}

// Tools are the paths of executables that are not the project's own.
type Tools struct {
	Helm      string
	CycloneDX string // cyclonedx-gomod, https://github.com/CycloneDX/cyclonedx-gomod
}

// Platform is what an executable runs on, in Go's words.
type Platform struct{ OS, Arch string }

// String returns the platform as OS/ARCHITECTURE.
func (p Platform) String() string { return p.OS + "/" + p.Arch }

// ParsePlatforms reads a list such as "linux/amd64,windows/amd64".
func ParsePlatforms(list string) ([]Platform, error) {
	var platforms []Platform
	for text := range strings.SplitSeq(list, ",") {
		system, architecture, found := strings.Cut(text, "/")
		if !found || system == "" || architecture == "" {
			return nil, fmt.Errorf("platform %q: must be OS/ARCHITECTURE, such as linux/amd64", text)
		}
		platforms = append(platforms, Platform{OS: system, Arch: architecture})
	}
	return platforms, nil
}

// Make makes the release in r.Out, which must not exist, and reports each step to progress. It returns the digest of the image's index.
func (r *Release) Make(ctx context.Context, progress io.Writer) (string, error) {
	if err := r.check(); err != nil {
		return "", err
	}
	if err := os.MkdirAll(r.Out, 0o755); err != nil { //nolint:gosec // Everybody may read what is published.
		return "", fmt.Errorf("failed to make the folder of the release: %w", err)
	}
	var digest string
	steps := []struct {
		what string
		run  func(context.Context) error
	}{
		{"image", func(ctx context.Context) (err error) { digest, err = r.makeImage(ctx); return err }},
		{"plugin", r.makePlugin},
		{"charts", r.packageCharts},
		{"install.yaml", func(ctx context.Context) error { return r.renderInstall(ctx, digest) }},
		{"krew manifest", func(context.Context) error { return r.writeKrew() }},
		{"checksums", func(context.Context) error { return r.writeSums() }},
	}
	for _, step := range steps {
		fmt.Fprintln(progress, "release:", step.what)
		if err := step.run(ctx); err != nil {
			return "", fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return digest, nil
}

func (r *Release) check() error {
	version, err := semver.Parse(strings.TrimPrefix(r.Version, "v"))
	switch {
	case !strings.HasPrefix(r.Version, "v") || err != nil:
		return fmt.Errorf("version %q: must be vMAJOR.MINOR.PATCH, such as v1.2.0 or v1.2.0-rc.1", r.Version)
	case len(version.Build) > 0:
		return fmt.Errorf("version %q: must have no build metadata, because a tag of an image cannot have a +", r.Version)
	}
	if _, err := os.Stat(r.Out); !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("folder %s: must not exist yet: delete it, or choose another", r.Out)
	}
	return nil
}

// chartVersion is the version as Helm writes it.
func (r *Release) chartVersion() string { return strings.TrimPrefix(r.Version, "v") }

// prerelease reports whether the version comes before a release.
func (r *Release) prerelease() bool { return strings.Contains(r.Version, "-") }

// asset is the URL under which a file of r.Out is published.
func (r *Release) asset(name string) string {
	return repository + "/releases/download/" + r.Version + "/" + name
}

// path is the path of a file in r.Out.
func (r *Release) path(name ...string) string {
	return filepath.Join(append([]string{r.Out}, name...)...)
}
