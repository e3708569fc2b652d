package release

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

const (
	root    = "../.."
	version = "v1.2.3-rc.1"
)

// committed is the time of the commit.
var committed = time.Date(2026, time.January, 2, 3, 4, 5, 0, time.UTC)

// here is the platform of the tests. The programs are made only for it, because each other platform would compile all packages anew.
var here = Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}

// scratch is a folder that is removed after the tests.
var scratch string

// made is a release that all tests read.
var made = sync.OnceValues(func() (string, error) {
	return makeRelease(context.Background(), root, filepath.Join(scratch, "release"))
})

func makeRelease(ctx context.Context, project, out string) (string, error) {
	tools, err := toolchain.Find(ctx, os.Stderr, "helm", "cyclonedx-gomod")
	if err != nil {
		return "", err
	}
	r := Release{
		Root: project, Out: out, Version: version, Time: committed, Image: []Platform{here}, Plugin: []Platform{here},
		Tools: Tools{Helm: tools["helm"], CycloneDX: tools["cyclonedx-gomod"]},
	}
	_, err = r.Make(ctx, io.Discard)
	return r.Out, err
}

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "release-")
	if err != nil {
		panic(err)
	}
	scratch = folder
	code := m.Run()
	os.RemoveAll(folder)
	os.Exit(code)
}

// release returns the folder of the release.
func release(t *testing.T) string {
	t.Helper()
	folder, err := made()
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func read(t *testing.T, path ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestReproducible: another clone of the commit, in another folder and with other times, gives the same bytes.
func TestReproducible(t *testing.T) {
	t.Parallel()
	clone := t.TempDir()
	for _, name := range []string{"charts", "cmd", "deploy", "internal", "pkg"} {
		if err := os.CopyFS(filepath.Join(clone, name), os.DirFS(filepath.Join(root, name))); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"go.mod", "go.sum", "LICENSE"} {
		if err := os.WriteFile(filepath.Join(clone, name), read(t, root, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	again, err := makeRelease(t.Context(), clone, filepath.Join(t.TempDir(), "release"))
	if err != nil {
		t.Fatal(err)
	}
	// The index of a repository says when it was made, and the sums contain its sum.
	leave := []string{"index.yaml", sumsName}
	want, got := sums(t, release(t), leave), sums(t, again, leave)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("a second build differs (-first +second):\n%s", diff)
	}
	if len(want) < 10 {
		t.Errorf("the release has %d files, want more: %v", len(want), slices.Sorted(maps.Keys(want)))
	}
}

// sums returns the SHA-256 of all files by their paths, except those that are left out.
func sums(t *testing.T, folder string, leave []string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(folder, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() || slices.Contains(leave, entry.Name()) {
			return err
		}
		name, err := filepath.Rel(folder, path)
		if err != nil {
			return err
		}
		found[name], err = sum(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestImage: the image is what the Dockerfile says.
func TestImage(t *testing.T) {
	t.Parallel()
	checkIndex(t, release(t), here)
}

// TestPlatforms: an image for several platforms has an image for each.
func TestPlatforms(t *testing.T) {
	t.Parallel()
	r := Release{Out: t.TempDir(), Version: version, Time: committed, Image: []Platform{{"linux", "ppc64le"}, {"linux", "s390x"}}}
	digest, err := r.writeImage([][]byte{[]byte("one"), []byte("another")})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := checkIndex(t, r.Out, r.Image...).Digest(); err != nil || got.String() != digest {
		t.Errorf("the index has the digest %s, %v, want %s", got, err, digest)
	}
}

// checkIndex: the layout is valid, and has an image for each platform.
func checkIndex(t *testing.T, folder string, want ...Platform) v1.ImageIndex {
	t.Helper()
	index := imageIndex(t, folder)
	if err := validate.Index(index); err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var platforms []Platform
	for _, descriptor := range manifest.Manifests {
		platforms = append(platforms, Platform{OS: descriptor.Platform.OS, Arch: descriptor.Platform.Architecture})
		image, err := index.Image(descriptor.Digest)
		if err != nil {
			t.Fatal(err)
		}
		checkImage(t, image, descriptor.Platform.String())
	}
	if !slices.Equal(platforms, want) {
		t.Errorf("the image is for %v, want %v", platforms, want)
	}
	return index
}

func imageIndex(t *testing.T, folder string) v1.ImageIndex {
	t.Helper()
	root, err := layout.ImageIndexFromPath(filepath.Join(folder, imageFolder))
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := root.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	if len(manifest.Manifests) != 1 {
		t.Fatalf("the layout has %d images, want the index of one", len(manifest.Manifests))
	}
	index, err := root.ImageIndex(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return index
}

func checkImage(t *testing.T, image v1.Image, platform string) {
	t.Helper()
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	want := dockerfile(t)
	want.Labels["org.opencontainers.image.version"] = version
	if diff := cmp.Diff(want, file.Config); diff != "" {
		t.Errorf("%s: the image differs from the Dockerfile's (-Dockerfile +image):\n%s", platform, diff)
	}
	if !file.Created.Equal(committed) || file.OS+"/"+file.Architecture != platform {
		t.Errorf("%s: the image is of %s for %s/%s", platform, file.Created, file.OS, file.Architecture)
	}
	content := mutate.Extract(image)
	defer content.Close()
	files := untar(t, content)
	executable := files["pcp-injector"]
	if len(files) != 1 || executable.mode != 0o755 {
		t.Fatalf("%s: the image has the files %v, want pcp-injector alone, with mode 755", platform, slices.Sorted(maps.Keys(files)))
	}
	if platform == here.String() {
		if got := execute(t, executable.content, "--version"); !strings.Contains(got, version) {
			t.Errorf("%s: the webhook says its version is %q, want %s", platform, got, version)
		}
	}
}

// dockerfile returns what the Dockerfile sets.
func dockerfile(t *testing.T) v1.Config {
	t.Helper()
	text := string(read(t, root, "Dockerfile"))
	one := func(pattern string) string {
		found := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("the Dockerfile has nothing like %s", pattern)
		}
		return found[1]
	}
	config := v1.Config{User: one(`(?m)^USER (.*)$`), Labels: map[string]string{}}
	if err := json.Unmarshal([]byte(one(`(?m)^ENTRYPOINT (.*)$`)), &config.Entrypoint); err != nil {
		t.Fatal(err)
	}
	for _, label := range regexp.MustCompile(`(org\.opencontainers\.image\.\w+)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		config.Labels[label[1]] = label[2]
	}
	return config
}

// TestPlugin: the archive has the executable and the license, and the executable knows its version.
func TestPlugin(t *testing.T) {
	t.Parallel()
	r := Release{Version: version}
	compressed, err := gzip.NewReader(bytes.NewReader(read(t, release(t), r.archiveName(here))))
	if err != nil {
		t.Fatal(err)
	}
	files := untar(t, compressed)
	if got, want := slices.Sorted(maps.Keys(files)), []string{"LICENSE", "kubectl-pcp", "kubectl_complete-pcp"}; !slices.Equal(got, want) {
		t.Fatalf("the archive has %v, want %v", got, want)
	}
	if got := execute(t, files["kubectl-pcp"].content, "--version"); !strings.Contains(got, version) {
		t.Errorf("the plugin says its version is %q, want %s", got, version)
	}
	if !bytes.Equal(files["LICENSE"].content, read(t, root, "LICENSE")) {
		t.Error("the license is not the project's")
	}
}

// TestZip: the archive for Windows opens, too.
func TestZip(t *testing.T) {
	t.Parallel()
	content, err := writeZip([]archived{{"kubectl-pcp.exe", 0o755, []byte("MZ")}}, committed)
	if err != nil {
		t.Fatal(err)
	}
	archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	file, err := archive.Open("kubectl-pcp.exe")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(file); string(got) != "MZ" || err != nil {
		t.Errorf("the archive has %q, %v", got, err)
	}
	windows := Platform{OS: "windows", Arch: "amd64"}
	if r := (Release{Version: version}); r.archiveName(windows) != "kubectl-pcp_"+version+"_windows_amd64.zip" || executableName(windows) != "kubectl-pcp.exe" {
		t.Errorf("for Windows, %s has %s", r.archiveName(windows), executableName(windows))
	}
}

// TestSums: every file is listed once, with its sum.
func TestSums(t *testing.T) {
	t.Parallel()
	want := sums(t, release(t), []string{sumsName})
	for line := range strings.Lines(string(read(t, release(t), sumsName))) {
		sum, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "  ")
		if want[name] != sum {
			t.Errorf("%s has the sum %s, want %s", name, sum, want[name])
		}
		delete(want, name)
	}
	maps.DeleteFunc(want, func(name, _ string) bool { return strings.HasPrefix(name, imageFolder+"/") })
	if len(want) != 0 {
		t.Errorf("these have no sum: %v", slices.Sorted(maps.Keys(want)))
	}
}

// TestSBOM: the bill of materials of each executable lists the modules that are in it.
func TestSBOM(t *testing.T) {
	t.Parallel()
	bills, err := filepath.Glob(filepath.Join(release(t), "*.cdx.json"))
	if err != nil || len(bills) != 2 {
		t.Fatalf("bills of materials: %v, %v; want one of each executable", bills, err)
	}
	for _, path := range bills {
		var bill struct {
			BOMFormat  string
			Components []struct{ Name string }
		}
		if err := json.Unmarshal(read(t, path), &bill); err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, component := range bill.Components {
			names = append(names, component.Name)
		}
		plugin := strings.HasPrefix(filepath.Base(path), "kubectl-pcp")
		if !slices.Contains(names, "k8s.io/api") || slices.Contains(names, "k8s.io/apiserver") != plugin {
			t.Errorf("%s lists %v; want k8s.io/api, and k8s.io/apiserver for the plugin alone", filepath.Base(path), names)
		}
	}
}

// TestCharts: both charts have the version of the release, and the injector's has the image of it.
func TestCharts(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]map[string]string{
		"pcp":          {"version": "1.2.3-rc.1", "prerelease": "true"},
		"pcp-injector": {"version": "1.2.3-rc.1", "appVersion": version, "image": Image + ":" + version, "prerelease": "true"},
	} {
		compressed, err := gzip.NewReader(bytes.NewReader(read(t, release(t), name+"-1.2.3-rc.1.tgz")))
		if err != nil {
			t.Fatal(err)
		}
		chart := string(untar(t, compressed)[name+"/Chart.yaml"].content)
		for key, value := range want {
			if !regexp.MustCompile(`(?m)` + key + `: "?` + regexp.QuoteMeta(value) + `"?$`).MatchString(chart) {
				t.Errorf("the chart %s has not %s: %s\n%s", name, key, value, chart)
			}
		}
	}
}

// TestIndex: the index continues that of the previous release, and each chart is found where the release publishes it.
func TestIndex(t *testing.T) {
	t.Parallel()
	tools, err := toolchain.Find(t.Context(), t.Output(), "helm")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	r := Release{Root: root, Out: folder, Version: "v1.3.0", Time: committed, Index: filepath.Join(release(t), "index.yaml"), Tools: Tools{Helm: tools["helm"]}}
	if err := r.packageCharts(t.Context()); err != nil {
		t.Fatal(err)
	}
	var index struct {
		Entries map[string][]struct{ URLs []string }
	}
	if err := yaml.Unmarshal(read(t, folder, "index.yaml"), &index); err != nil {
		t.Fatal(err)
	}
	for name, releases := range index.Entries {
		var got []string
		for _, release := range releases {
			got = append(got, release.URLs...)
		}
		const pages = "https://github.com/performancecopilot/pcp-injector/releases/download/"
		if want := []string{pages + "v1.3.0/" + name + "-1.3.0.tgz", pages + version + "/" + name + "-1.2.3-rc.1.tgz"}; !slices.Equal(got, want) {
			t.Errorf("the chart %s is at %v, want %v", name, got, want)
		}
	}
	if len(index.Entries) != 2 {
		t.Errorf("the index has %d charts, want 2", len(index.Entries))
	}
}

// TestInstall: the manifest without Helm has the image by its digest.
func TestInstall(t *testing.T) {
	t.Parallel()
	digest, err := imageIndex(t, release(t)).Digest()
	if err != nil {
		t.Fatal(err)
	}
	manifest := string(read(t, release(t), "install.yaml"))
	if !strings.Contains(manifest, Image+"@"+digest.String()) || strings.Contains(manifest, "No image is published") {
		t.Errorf("install.yaml has not the image %s", digest)
	}
	if !strings.Contains(manifest, "kind: Namespace") {
		t.Error("install.yaml has no Namespace")
	}
}

// TestKrew: the manifest for krew has the sum of each archive.
func TestKrew(t *testing.T) {
	t.Parallel()
	var plugin krewPlugin
	if err := yaml.UnmarshalStrict(read(t, release(t), "pcp.yaml"), &plugin); err != nil {
		t.Fatal(err)
	}
	name := (&Release{Version: version}).archiveName(here)
	want := []krewPlatform{{
		Selector: krewSelector{MatchLabels: map[string]string{"os": here.OS, "arch": here.Arch}},
		URI:      "https://github.com/performancecopilot/pcp-injector/releases/download/" + version + "/" + name,
		SHA256:   sums(t, release(t), nil)[name], Bin: "kubectl-pcp",
	}}
	if diff := cmp.Diff(want, plugin.Spec.Platforms); diff != "" || plugin.Spec.Version != version {
		t.Errorf("the manifest is of %s (-want +got):\n%s", plugin.Spec.Version, diff)
	}
}

// TestRefused: what could not be published is refused before anything is made.
func TestRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ version, want string }{
		{"", `version "": must be vMAJOR.MINOR.PATCH, such as v1.2.0 or v1.2.0-rc.1`},
		{"1.2.3", `version "1.2.3": must be vMAJOR.MINOR.PATCH, such as v1.2.0 or v1.2.0-rc.1`},
		{"v1.2", `version "v1.2": must be vMAJOR.MINOR.PATCH, such as v1.2.0 or v1.2.0-rc.1`},
		{"v1.2.3+4", `version "v1.2.3+4": must have no build metadata, because a tag of an image cannot have a +`},
	} {
		r := Release{Version: c.version, Out: filepath.Join(t.TempDir(), "out")}
		if _, err := r.Make(t.Context(), io.Discard); err == nil || err.Error() != c.want {
			t.Errorf("version %q: %v, want %s", c.version, err, c.want)
		}
		if _, err := os.Stat(r.Out); err == nil {
			t.Errorf("version %q: the folder was made all the same", c.version)
		}
	}
	r := Release{Version: version, Out: t.TempDir()}
	if _, err := r.Make(t.Context(), io.Discard); err == nil || !strings.Contains(err.Error(), "must not exist yet") {
		t.Errorf("a folder that exists: %v", err)
	}
	if _, err := ParsePlatforms("linux/amd64,windows"); err == nil || err.Error() != `platform "windows": must be OS/ARCHITECTURE, such as linux/amd64` {
		t.Errorf("a platform without architecture: %v", err)
	}
}

// untarred is a file of an archive.
type untarred struct {
	mode    int64
	content []byte
}

func untar(t *testing.T, reader io.Reader) map[string]untarred {
	t.Helper()
	files := map[string]untarred{}
	for archive := tar.NewReader(reader); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[header.Name] = untarred{mode: header.Mode, content: content}
	}
}

// execute runs an executable that is given by its content, and returns its output.
func execute(t *testing.T, executable []byte, arguments ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "executable")
	if err := os.WriteFile(path, executable, 0o700); err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), path, arguments...).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", arguments, err, output)
	}
	return string(output)
}
