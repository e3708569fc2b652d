// Command main makes a release in a folder: see the package above it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/performancecopilot/pcp-injector/internal/release"
)

// The platforms that the webhook's image and the plugin are published for.
const (
	image  = "linux/amd64,linux/arm64"
	plugin = image + ",darwin/amd64,darwin/arm64,windows/amd64"
)

func main() {
	r := release.Release{Root: "."}
	flag.StringVar(&r.Version, "version", "", "version, as its tag: v1.2.0")
	flag.StringVar(&r.Out, "out", "bin/release", "folder to make")
	flag.StringVar(&r.Index, "index", "", "index.yaml of the release before, to continue")
	flag.StringVar(&r.Tools.Helm, "helm", "helm", "path of helm")
	flag.StringVar(&r.Tools.CycloneDX, "cyclonedx-gomod", "cyclonedx-gomod", "path of cyclonedx-gomod")
	images := flag.String("image", image, "platforms of the webhook's image")
	plugins := flag.String("plugin", plugin, "platforms of the plugin")
	flag.Parse()
	if err := run(&r, *images, *plugins); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(r *release.Release, images, plugins string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var err error
	if r.Image, err = release.ParsePlatforms(images); err != nil {
		return err
	}
	if r.Plugin, err = release.ParsePlatforms(plugins); err != nil {
		return err
	}
	if r.Time, err = commitTime(ctx); err != nil {
		return err
	}
	digest, err := r.Make(ctx, os.Stderr)
	if err != nil {
		return err
	}
	fmt.Println(release.Image + "@" + digest)
	return nil
}

// commitTime is the time of the commit that is released.
func commitTime(ctx context.Context) (time.Time, error) {
	output, err := exec.CommandContext(ctx, "git", "log", "-1", "--format=%cI").Output()
	if err != nil {
		return time.Time{}, fmt.Errorf("failed to ask git for the commit: %w", err)
	}
	committed, err := time.Parse(time.RFC3339, strings.TrimSpace(string(output)))
	if err != nil {
		return time.Time{}, fmt.Errorf("failed to read the time of the commit: %w", err)
	}
	return committed.UTC(), nil
}
