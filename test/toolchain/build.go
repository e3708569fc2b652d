package toolchain

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// In a tool's folder of the cache: its data and, while it is being built, what the go command would leave behind if it were killed.
const (
	filesFolder = "files"
	workFolder  = "work"
)

// ensure returns the tool's folder in the cache, and builds it first if it is not there.
func (s store) ensure(ctx context.Context, t tool) (string, error) {
	folder, err := s.folderOf(ctx, t)
	if err != nil || exists(folder) {
		return folder, err
	}
	if t, err = t.resolved(s.root); err != nil {
		return "", err
	}
	unlock, err := Lock(ctx, s.out, folder+".lock", "preparing "+t.name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(folder) {
		return folder, nil
	}
	if err := s.buildInto(ctx, t, folder); err != nil {
		return "", fmt.Errorf("failed to compile the tool %s: %w", t.name, err)
	}
	return folder, nil
}

// folderOf is where the tool is if it is compiled.
func (s store) folderOf(ctx context.Context, t tool) (string, error) {
	t, err := t.resolved(s.root)
	if err != nil {
		return "", err
	}
	key, err := t.key(ctx, s.root)
	return filepath.Join(s.cache, t.name+"-"+key), err
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// buildInto builds into a folder beside the final one, and renames it when it is complete: an interrupted build leaves nothing that looks
// like a tool. The caller holds the lock, so it can remove what an earlier, killed build left.
func (s store) buildInto(ctx context.Context, t tool, folder string) (err error) {
	temporary := folder + ".part"
	if err := os.RemoveAll(temporary); err != nil {
		return fmt.Errorf("failed to remove the remains of an interrupted build: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	shown := startCompilation(s.out, t)
	defer func() { shown.finish(err) }()
	if err := t.build(ctx, shown, s.root, temporary); err != nil {
		return err
	}
	if err := os.Rename(temporary, folder); err != nil {
		return fmt.Errorf("failed to put the tool into the cache: %w", err)
	}
	return nil
}

// build fills the folder with the executable, the names it goes by and its data.
func (t tool) build(ctx context.Context, shown *compilation, root, folder string) error {
	work := filepath.Join(folder, workFolder)
	if err := os.MkdirAll(work, 0o755); err != nil {
		return fmt.Errorf("failed to make the tool's folder: %w", err)
	}
	module, err := t.sources(ctx, shown, root, work)
	if err != nil {
		return err
	}
	if t.pkg != "" {
		if err := t.compile(ctx, shown, module, work, filepath.Join(folder, executable(t.name))); err != nil {
			return err
		}
	}
	if err := t.link(folder); err != nil {
		return err
	}
	if err := t.copyFiles(ctx, module, filepath.Join(folder, filesFolder)); err != nil {
		return err
	}
	return os.RemoveAll(work)
}

// sources returns the folder of a module from which the tool can be compiled. For a published tool, that is a temporary module that
// requires it. Unlike with go install, its packages can be counted beforehand.
func (t tool) sources(ctx context.Context, shown *compilation, root, work string) (string, error) {
	if t.staged {
		return work, t.stage(ctx, shown, root, work)
	}
	if t.folder != "" {
		return filepath.Join(root, t.folder), nil
	}
	if err := os.WriteFile(filepath.Join(work, "go.mod"), []byte("module tool\n"), 0o600); err != nil {
		return "", fmt.Errorf("failed to write a module for %s: %w", t.name, err)
	}
	return work, runGo(ctx, work, work, shown, "get", cmp.Or(t.pkg, t.module)+"@"+t.version)
}

func (t tool) compile(ctx context.Context, shown *compilation, module, work, executable string) error {
	released, err := t.released(ctx, module)
	if err != nil {
		return err
	}
	packages, err := goOutput(ctx, module, "list", "-deps", t.pkg)
	if err != nil {
		return err
	}
	shown.expect(strings.Count(packages, "\n") + 1)
	arguments := append([]string{"build", "-v"}, buildFlags...)
	arguments = append(arguments, "-ldflags", t.linkerFlags(t.version, released), "-o", executable, t.pkg)
	return runGo(ctx, module, work, shown, arguments...)
}

// released is when the tool's version was published. A module proxy without times gives 1970, which is also the default of upstream's own
// build date.
func (t tool) released(ctx context.Context, module string) (time.Time, error) {
	text, err := goOutput(ctx, module, "list", "-m", "-f", `{{with .Time}}{{.Format "2006-01-02T15:04:05Z07:00"}}{{end}}`, t.module)
	if err != nil {
		return time.Time{}, err
	}
	if text == "" {
		return time.Unix(0, 0), nil
	}
	released, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("failed to read when %s was released: %w", t.module, err)
	}
	return released, nil
}

// link gives the executable all its names.
func (t tool) link(folder string) error {
	for _, name := range t.commands {
		if err := os.Symlink(executable(t.name), filepath.Join(folder, executable(name))); err != nil {
			return fmt.Errorf("failed to name the tool %s: %w", name, err)
		}
	}
	return nil
}

func (t tool) copyFiles(ctx context.Context, module, target string) error {
	if t.files == "" {
		return nil
	}
	source, err := moduleFolder(ctx, module, t.module)
	if err != nil {
		return err
	}
	if err := os.CopyFS(target, os.DirFS(filepath.Join(source, filepath.FromSlash(t.files)))); err != nil {
		return fmt.Errorf("failed to copy the files of %s: %w", t.name, err)
	}
	return nil
}

// moduleFolder is where the files of a required module are. go does not download it before something of it is compiled.
func moduleFolder(ctx context.Context, module, required string) (string, error) {
	find := []string{"list", "-m", "-f", "{{.Dir}}", required}
	source, err := goOutput(ctx, module, find...)
	if err != nil || source != "" {
		return source, err
	}
	if _, err := goOutput(ctx, module, "mod", "download", required); err != nil {
		return "", err
	}
	return goOutput(ctx, module, find...)
}
