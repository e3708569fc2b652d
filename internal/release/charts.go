package release

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// staged returns the folder of a copy of the charts with the release's version, and a function that removes it.
func (r *Release) staged() (folder string, remove func(), err error) {
	folder, err = os.MkdirTemp("", "charts-")
	if err != nil {
		return "", nil, fmt.Errorf("failed to make a folder for the charts: %w", err)
	}
	remove = func() { _ = os.RemoveAll(folder) }
	if err = r.stage(folder); err != nil {
		remove()
		return "", nil, err
	}
	return folder, remove, nil
}

func (r *Release) stage(folder string) error {
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(r.Root, "charts"))); err != nil {
		return fmt.Errorf("failed to copy the charts: %w", err)
	}
	copied, err := os.OpenRoot(folder)
	if err != nil {
		return fmt.Errorf("failed to open the charts: %w", err)
	}
	defer func() { _ = copied.Close() }()
	charts, err := fs.Glob(copied.FS(), "*/Chart.yaml")
	if err != nil {
		return fmt.Errorf("failed to find the charts: %w", err)
	}
	for _, chart := range charts {
		content, err := copied.ReadFile(chart)
		if err != nil {
			return fmt.Errorf("failed to read: %w", err)
		}
		if err := copied.WriteFile(chart, r.stamp(content), 0o600); err != nil {
			return fmt.Errorf("failed to write: %w", err)
		}
	}
	// Helm writes the files' times into the archive.
	err = fs.WalkDir(copied.FS(), ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return copied.Chtimes(path, r.Time, r.Time)
	})
	if err != nil {
		return fmt.Errorf("failed to set the time of the charts' files: %w", err)
	}
	return nil
}

// chartLines are the lines of a Chart.yaml that follow the version. The chart pcp has PCP's own appVersion, which does not.
var chartLines = struct{ version, appVersion, image, prerelease *regexp.Regexp }{
	version:    regexp.MustCompile(`(?m)^version: .*$`),
	appVersion: regexp.MustCompile(`(?m)^appVersion: v.*$`),
	image:      regexp.MustCompile(`(?m)(image: ` + regexp.QuoteMeta(Image) + `):.*$`),
	prerelease: regexp.MustCompile(`(?m)(artifacthub.io/prerelease): .*$`),
}

func (r *Release) stamp(chart []byte) []byte {
	chart = chartLines.version.ReplaceAll(chart, []byte("version: "+r.chartVersion()))
	chart = chartLines.appVersion.ReplaceAll(chart, []byte("appVersion: "+r.Version))
	chart = chartLines.image.ReplaceAll(chart, []byte("${1}:"+r.Version))
	return chartLines.prerelease.ReplaceAll(chart, []byte("${1}: "+strconv.Quote(strconv.FormatBool(r.prerelease()))))
}

// packageCharts packages the charts, and writes an index of all releases so far. The releases' own pages are the repository, because the
// address of the newest one's files does not change.
func (r *Release) packageCharts(ctx context.Context) error {
	folder, remove, err := r.staged()
	if err != nil {
		return err
	}
	defer remove()
	charts, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		return fmt.Errorf("failed to find the charts: %w", err)
	}
	packaged := filepath.Join(folder, "packaged")
	for _, chart := range charts {
		if err := run(command(ctx, r.Tools.Helm, "package", "--destination", packaged, chart)); err != nil {
			return err
		}
	}
	arguments := []string{"repo", "index", packaged, "--url", r.asset("")}
	if r.Index != "" {
		arguments = append(arguments, "--merge", r.Index)
	}
	if err := run(command(ctx, r.Tools.Helm, arguments...)); err != nil {
		return err
	}
	return r.take(packaged)
}

// take copies the files of a folder into the release.
func (r *Release) take(folder string) error {
	if err := os.CopyFS(r.Out, os.DirFS(folder)); err != nil {
		return fmt.Errorf("failed to copy: %w", err)
	}
	return nil
}

// renderInstall writes the manifest for users without Helm, with the image by its digest.
func (r *Release) renderInstall(ctx context.Context, digest string) error {
	folder, remove, err := r.staged()
	if err != nil {
		return err
	}
	defer remove()
	namespace, err := os.ReadFile(filepath.Join(r.Root, "deploy", "namespace.yaml"))
	if err != nil {
		return fmt.Errorf("failed to read: %w", err)
	}
	cmd := command(ctx, r.Tools.Helm, "template", "pcp-injector", filepath.Join(folder, "pcp-injector"),
		"--namespace", "pcp-system", "--no-hooks", "--set", "image.digest="+digest)
	var rendered, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &rendered, &problems
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("helm template: %w\n%s", err, problems.Bytes())
	}
	return r.write("install.yaml", append(namespace, rendered.Bytes()...))
}
