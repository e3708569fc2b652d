// Package toolchain gives the path of each development tool's executable: the Kubernetes control plane that tests run against,
// the linter, and so on. A tool that is not there yet is downloaded, where its authors publish executables with checksums, or
// else compiled from its Go module. Executables are kept outside the work tree, in the user's cache folder, under a name that
// changes with the tool's version, flags and Go version.
//
// In the environment, TOOLS_DOWNLOAD=off forbids downloads of executables (Go modules aside), and TOOLS_KUBERNETES_URL,
// TOOLS_GITHUB_URL and TOOLS_GITHUB_API_URL name mirrors of dl.k8s.io, github.com and api.github.com. A host that does not answer
// within a few seconds is not waited for: the tool is compiled. So it is where a file does not have the published checksum;
// such a file is never used.
package toolchain

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// assetsVariable names a folder with executables to use instead of compiling them, as for controller-runtime's envtest.
const assetsVariable = "KUBEBUILDER_ASSETS"

// Find returns the path of each named command, by name. What is neither in KUBEBUILDER_ASSETS nor in the cache is first downloaded or
// compiled, which may take minutes. progress (nil: standard error) then shows how far it is.
func Find(ctx context.Context, progress io.Writer, commands ...string) (map[string]string, error) {
	paths := make(map[string]string, len(commands))
	var missing []string
	for _, command := range commands {
		if path := asset(command); path != "" {
			paths[command] = path
		} else {
			missing = append(missing, command)
		}
	}
	if len(missing) == 0 {
		return paths, nil
	}
	wanted, err := wantedFor(missing)
	if err != nil {
		return nil, err
	}
	s, err := newStore(progress)
	if err != nil {
		return nil, err
	}
	found, err := s.provide(ctx, wanted)
	if err != nil {
		return nil, fmt.Errorf("%w\nwithout compiling: name a folder that has a ready %s in %s", err, strings.Join(missing, ", "), assetsVariable)
	}
	maps.Copy(paths, found)
	return paths, nil
}

// Files returns the folder of data that comes with a tool, for example kwok-stages. It compiles the tool if necessary, whatever
// KUBEBUILDER_ASSETS is.
func Files(ctx context.Context, progress io.Writer, command string) (string, error) {
	for _, t := range tools {
		if t.files != "" && (t.name == command || slices.Contains(t.names(), command)) {
			s, err := newStore(progress)
			if err != nil {
				return "", err
			}
			folder, err := s.ensure(ctx, t)
			return filepath.Join(folder, filesFolder), err
		}
	}
	return "", fmt.Errorf("no tool %s comes with files", command)
}

// All downloads or compiles every missing tool and returns one folder with all commands.
func All(ctx context.Context, progress io.Writer) (string, error) {
	var commands []string
	for _, t := range tools {
		commands = append(commands, t.names()...)
		if t.pkg == "" {
			if _, err := Files(ctx, progress, t.name); err != nil {
				return "", err
			}
		}
	}
	paths, err := Find(ctx, progress, commands...)
	if err != nil {
		return "", err
	}
	cache, err := cacheFolder()
	if err != nil {
		return "", err
	}
	return linkAll(cache, paths)
}

// asset is the path of a command in KUBEBUILDER_ASSETS; empty if it is not there.
func asset(command string) string {
	folder := os.Getenv(assetsVariable)
	if folder == "" {
		return ""
	}
	path := filepath.Join(folder, executable(command))
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return ""
	}
	return path
}

func executable(name string) string {
	if runtime.GOOS == "windows" {
		return name + ".exe"
	}
	return name
}

// store is where tools are built from and kept.
type store struct {
	root     string // the project's folder
	cache    string
	out      io.Writer // shown how far a build is
	platform platform
	web      *web // nil: nothing is downloaded
}

func newStore(progress io.Writer) (store, error) {
	if progress == nil {
		progress = os.Stderr //nolint:forbidigo //nolint:forbidigo // Documented: the minutes of a first build must not pass in silence.
	}
	root, err := projectRoot()
	if err != nil {
		return store{}, err
	}
	cache, err := cacheFolder()
	s := store{root: root, cache: cache, out: progress, platform: thisPlatform()}
	if os.Getenv(downloadVariable) != "off" {
		s.web = sharedWeb
	}
	return s, err
}

// cacheFolder is where built tools are kept.
func cacheFolder() (string, error) {
	base, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no folder to keep built tools in: %w: set HOME or XDG_CACHE_HOME", err)
	}
	folder := filepath.Join(base, "pcp-injector", "tools")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("no folder to keep built tools in: %w: set XDG_CACHE_HOME to a folder you may write to", err)
	}
	return folder, nil
}

// linkAll fills a folder with a link to each command. Its name depends on the links' targets, so two work trees with different versions do
// not fight over it.
func linkAll(cache string, paths map[string]string) (string, error) {
	folder := filepath.Join(cache, "bin-"+digest(fmt.Sprint(paths)))
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("failed to make the folder of all tools: %w", err)
	}
	for command, path := range paths {
		if err := os.Symlink(path, filepath.Join(folder, executable(command))); err != nil && !errors.Is(err, os.ErrExist) {
			return "", fmt.Errorf("failed to link %s into the folder of all tools: %w", command, err)
		}
	}
	return folder, nil
}
