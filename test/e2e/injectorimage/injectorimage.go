// Package injectorimage builds the webhook's image from the project's own Dockerfile, with Debian's buildah and without a
// registry. Where docker build takes the public image golang:1.26, the builder is this machine's Go; the base is scratch, as
// it is by default. That the Dockerfile works is therefore proven, but not with that image.
package injectorimage

import (
	"context"
	_ "embed"
	"fmt"
	"io"

	"github.com/performancecopilot/pcp-injector/test/e2e/imagecache"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

const (
	// Name is the image's.
	Name = "localhost/pcp-injector:e2e"
	// Version is what the webhook in the image says that it is: always the same, so a commit alone does not change the image.
	Version = "v0.0.0-e2e"
)

var (
	//go:embed build.sh
	script []byte
	//go:embed Builder.Dockerfile
	builder []byte
)

// Archive returns the path of an archive with the image, in the format of docker save, which imagecache keeps in the user's cache. It is
// built, as root and with Debian's packages buildah and busybox-static, if what it is made of has changed, and progress shows that. The
// error has the end of the output of what failed. It must be called from within the project.
func Archive(ctx context.Context, progress io.Writer) (string, error) {
	goes, err := findGo(ctx)
	if err != nil {
		return "", err
	}
	hash, err := key(ctx, goes)
	if err != nil {
		return "", err
	}
	image := imagecache.Image{Name: "pcp-injector", Key: hash, Files: map[string][]byte{"build.sh": script, "Builder.Dockerfile": builder}}
	image.Build = func(ctx context.Context, folder string) error {
		fmt.Fprintln(progress, "building the webhook's image from its Dockerfile: seconds, or a minute the first time; kept in the cache afterwards")
		return build(ctx, folder, goes)
	}
	return image.Archive(ctx)
}

func build(ctx context.Context, folder string, goes goSettings) error {
	// In the image, Go has no network.
	if _, err := goOutput(ctx, goes.project(), "mod", "download"); err != nil {
		return err
	}
	// Whatever is mounted during the build is not in this namespace, where removing the folder would reach through it.
	cmd := process.Command("unshare", "--mount", "sh", "build.sh", goes.project(), Name, Version, goes.GOARCH, goes.GOROOT, goes.GOMODCACHE, goes.GOCACHE)
	cmd.Dir = folder
	return imagecache.Run(ctx, cmd)
}
