package toolchain

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// kubernetes is the control plane in another version than the tests'. It omits etcd and kubectl, which do not vary with it. The version's
// own go.mod decides what it is compiled with.
var kubernetes = tool{
	name: "kubernetes", module: "k8s.io/kubernetes", folder: "test/tools/kubernetes", staged: true, pkg: ".", expect: "10 minutes", stamp: stampKubernetes,
	commands: []string{"kube-apiserver", "kube-controller-manager", "kube-scheduler"},
	releases: controlPlaneReleases,
}

// Kubernetes downloads or compiles another version of kube-apiserver, kube-controller-manager and kube-scheduler, and returns a folder with
// them for KUBEBUILDER_ASSETS. The version is a minor version such as 1.30, for its latest patch release, or a complete one such as
// 1.30.14.
func Kubernetes(ctx context.Context, progress io.Writer, version string) (string, error) {
	s, err := newStore(progress)
	if err != nil {
		return "", err
	}
	other := kubernetes
	if other.version, err = releasedVersion(ctx, s.root, other.module, version); err != nil {
		return "", err
	}
	paths, err := s.provide(ctx, []*wanted{{tool: other, commands: other.commands}})
	if err != nil {
		return "", err
	}
	return linkAll(s.cache, paths)
}

var kubernetesVersion = regexp.MustCompile(`^v?(\d+\.\d+)(\.\d+)?$`)

// releasedVersion adds the number of the latest patch release to a minor version.
func releasedVersion(ctx context.Context, root, module, version string) (string, error) {
	parts := kubernetesVersion.FindStringSubmatch(version)
	switch {
	case parts == nil:
		return "", fmt.Errorf("the version of Kubernetes is %q: want one like 1.30, for its latest patch release, or 1.30.14", version)
	case parts[2] != "":
		return "v" + parts[1] + parts[2], nil
	}
	released, err := goOutput(ctx, root, "list", "-m", "-versions", "-f", `{{join .Versions " "}}`, module)
	if err != nil {
		return "", err
	}
	latest := -1
	for candidate := range strings.FieldsSeq(released) {
		patch, found := strings.CutPrefix(candidate, "v"+parts[1]+".")
		// If it is no number, it is a pre-release.
		if number, err := strconv.Atoi(patch); found && err == nil {
			latest = max(latest, number)
		}
	}
	if latest < 0 {
		return "", fmt.Errorf("there is no release of Kubernetes %s", parts[1])
	}
	return fmt.Sprintf("v%s.%d", parts[1], latest), nil
}

// stage makes a module of the tool's sources that requires this version of its main dependency. That dependency replaces Kubernetes'
// staging modules with folders of its repository; here they are replaced with the modules published from those.
func (t tool) stage(ctx context.Context, shown *compilation, root, work string) error {
	if err := os.CopyFS(work, os.DirFS(filepath.Join(root, t.folder))); err != nil {
		return fmt.Errorf("failed to copy the sources of %s: %w", t.name, err)
	}
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte("module "+t.name+"\n"), 0o600); err != nil {
		return fmt.Errorf("failed to write a module for %s: %w", t.name, err)
	}
	edits, err := t.requirements(ctx, work)
	if err != nil {
		return err
	}
	if err := runGo(ctx, work, work, shown, append([]string{"mod", "edit"}, edits...)...); err != nil {
		return err
	}
	return runGo(ctx, work, work, shown, "get", t.pkg)
}

// requirements are arguments of go mod edit. The staging modules have version v0.30.14 if Kubernetes has v1.30.14.
func (t tool) requirements(ctx context.Context, work string) ([]string, error) {
	path, err := goOutput(ctx, work, "list", "-m", "-f", "{{.GoMod}}", t.module+"@"+t.version)
	if err != nil {
		return nil, err
	}
	text, err := goOutput(ctx, work, "mod", "edit", "-json", path)
	if err != nil {
		return nil, err
	}
	var mod struct {
		Go      string
		Godebug []struct{ Key, Value string }
		Replace []struct{ Old, New struct{ Path string } }
	}
	if err := json.Unmarshal([]byte(text), &mod); err != nil {
		return nil, fmt.Errorf("failed to read the go.mod of %s: %w", t.module, err)
	}
	edits := []string{"-go=" + mod.Go, "-require=" + t.module + "@" + t.version}
	for _, setting := range mod.Godebug {
		edits = append(edits, "-godebug="+setting.Key+"="+setting.Value)
	}
	_, rest, _ := strings.Cut(t.version, ".")
	for _, replaced := range mod.Replace {
		if strings.HasPrefix(replaced.New.Path, "./staging/") {
			edits = append(edits, fmt.Sprintf("-replace=%s=%s@v0.%s", replaced.Old.Path, replaced.Old.Path, rest))
		}
	}
	return edits, nil
}
