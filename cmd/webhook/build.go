package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
)

// version of a release, set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

// build identifies this program.
type build struct {
	version  string
	revision string
}

// String is what --version prints.
func (b build) String() string {
	return fmt.Sprintf("pcp-injector %s (revision %s, %s)", b.version, b.revision, runtime.Version())
}

// currentBuild is what the linker and the toolchain recorded.
var currentBuild = sync.OnceValue(func() build {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = &debug.BuildInfo{}
	}
	return describeBuild(version, info)
})

// describeBuild prefers the linker's version over the module's, which `go install` records.
func describeBuild(linked string, info *debug.BuildInfo) build {
	b := build{version: linked, revision: "unknown"}
	if b.version == "" {
		b.version = info.Main.Version
	}
	if b.version == "" {
		b.version = "(devel)"
	}
	for _, setting := range info.Settings {
		if setting.Key == "vcs.revision" {
			b.revision = setting.Value
		}
	}
	return b
}
