package toolchain

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// buildFlags must be the same for everything that shares a Go build cache, because a changed flag compiles everything again.
var buildFlags = []string{"-trimpath", "-buildvcs=false"}

// key changes with everything that changes the executable, and with nothing else: no path, no time.
func (t tool) key(ctx context.Context, root string) (string, error) {
	goVersion, err := goOutput(ctx, root, "env", "GOVERSION", "GOHOSTOS", "GOHOSTARCH")
	if err != nil {
		return "", err
	}
	inputs := append([]string{goVersion, t.name, t.module, t.version, t.pkg, t.files}, buildFlags...)
	inputs = append(inputs, t.linkerFlags(t.version, time.Time{}))
	for _, folder := range t.sourceFolders() {
		sources, err := contents(filepath.Join(root, folder))
		if err != nil {
			return "", err
		}
		inputs = append(inputs, sources...)
	}
	return digest(strings.Join(inputs, "\x00")), nil
}

// linkerFlags leave out the symbol table and debug information, which are more than half of the control plane's size.
func (t tool) linkerFlags(version string, released time.Time) string {
	flags := []string{"-s", "-w"}
	if t.stamp != nil {
		flags = append(flags, t.stamp(version, released)...)
	}
	return strings.Join(flags, " ")
}

// sourceFolders are the folders of this repository that the tool is compiled from: those of its go.mod and of its main package.
func (t tool) sourceFolders() []string {
	switch {
	case t.folder == "" || t.pkg == "":
		return nil
	case strings.HasPrefix(t.pkg, "./"):
		return []string{t.folder, filepath.Join(t.folder, t.pkg)}
	}
	return []string{t.folder}
}

// contents are the names and contents of the files that a module folder of this repository is built from.
func contents(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, fmt.Errorf("failed to read a tool's sources: %w", err)
	}
	var inputs []string
	for _, entry := range entries {
		if !slices.Contains([]string{".go", ".mod", ".sum"}, filepath.Ext(entry.Name())) {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("failed to read a tool's sources: %w", err)
		}
		inputs = append(inputs, entry.Name(), string(data))
	}
	return inputs, nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:16]
}

// resolved is the tool with its version read from the go.mod of its folder, so no version is written twice.
func (t tool) resolved(root string) (tool, error) {
	if t.version != "" {
		return t, nil
	}
	version, err := requiredVersion(root, t.folder, t.module)
	t.version = version
	return t, err
}

// requiredVersion is the version of a module in the go.mod of a folder.
func requiredVersion(root, folder, module string) (string, error) {
	path := filepath.Join(root, folder, "go.mod")
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("failed to read the version of %s: %w", module, err)
	}
	found := regexp.MustCompile(`(?m)^(?:require)?\s+` + regexp.QuoteMeta(module) + `\s+(v\d+\.\d+\.\S+)`).FindSubmatch(data)
	if found == nil {
		return "", fmt.Errorf("failed to read the version of %s: %s does not require it", module, path)
	}
	return string(found[1]), nil
}

var thisModule = regexp.MustCompile(`(?m)^module github\.com/performancecopilot/pcp-injector\s*$`)

// projectRoot is the folder of this project's go.mod, at or above the working directory. go test runs each package's tests in the package's
// folder.
func projectRoot() (string, error) {
	start, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("failed to find the project's folder: %w", err)
	}
	for folder := start; ; folder = filepath.Dir(folder) {
		data, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		if err == nil && thisModule.Match(data) {
			return folder, nil
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("failed to find the project's folder: %w", err)
		}
		if folder == filepath.Dir(folder) {
			return "", fmt.Errorf("neither %s nor a folder above it is the pcp-injector repository: run from within it", start)
		}
	}
}
