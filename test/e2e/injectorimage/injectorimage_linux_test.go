package injectorimage

import (
	"archive/tar"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// entry is a file of an archive.
type entry struct {
	header  *tar.Header
	content []byte
}

// settings are what the image says about how to run it, as docker save writes it.
type settings struct {
	Architecture string
	Config       struct {
		User       string
		Entrypoint []string
		Cmd        []string
		Labels     map[string]string
	}
}

// TestArchive: the image from the Dockerfile holds the webhook and nothing else, and runs it as the chart's Deployment does.
func TestArchive(t *testing.T) {
	t.Parallel()
	if os.Getenv("E2E") == "" || os.Geteuid() != 0 {
		t.Skip("needs root and Debian's buildah: set E2E=1")
	}
	path, err := Archive(t.Context(), t.Output())
	if err != nil {
		t.Fatal(err)
	}
	config, layer := open(t, path)
	if config.Config.User != "65532:65532" {
		t.Errorf("the user is %q, want 65532:65532: the Deployment's, which the kubelet knows not to be root", config.Config.User)
	}
	if diff := cmp.Diff([]string{"/pcp-injector"}, append(config.Config.Entrypoint, config.Config.Cmd...)); diff != "" {
		t.Errorf("entrypoint and command (-want +got):\n%s", diff)
	}
	if version := config.Config.Labels["org.opencontainers.image.version"]; version != Version {
		t.Errorf("the label for the version is %q, want %q", version, Version)
	}
	if len(layer) != 1 || layer["pcp-injector"].header == nil {
		t.Fatalf("the image has the files %v, want pcp-injector alone: no shell", names(layer))
	}
	header := layer["pcp-injector"].header
	if mode := header.FileInfo().Mode(); mode != 0o755 || header.Uid != 0 || header.Gid != 0 {
		t.Errorf("pcp-injector has mode %o and the owner %d:%d, want 755 and 0:0", mode, header.Uid, header.Gid)
	}
	if said, want := runIn(t, layer["pcp-injector"].content, "--version"), "pcp-injector "+Version+" ("; !strings.HasPrefix(said, want) {
		t.Errorf("the webhook in the image says %q, want %s…", said, want)
	}
}

// runIn runs the image's executable where there is nothing else, as its user.
func runIn(t *testing.T, executable []byte, arguments ...string) string {
	t.Helper()
	root := t.TempDir()
	if err := os.WriteFile(filepath.Join(root, "pcp-injector"), executable, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "/pcp-injector", arguments...)
	cmd.Dir, cmd.Env = "/", []string{}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root, Credential: &syscall.Credential{Uid: 65532, Gid: 65532}}
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the webhook in the image does not run: %v: %s", err, said)
	}
	return string(said)
}

// open reads the one image of the archive, and its files.
func open(t *testing.T, path string) (config settings, files map[string]entry) {
	t.Helper()
	archive, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	parts := entries(t, archive)
	var manifests []struct {
		Config           string
		RepoTags, Layers []string
	}
	if err := json.Unmarshal(parts["manifest.json"].content, &manifests); err != nil {
		t.Fatal(err)
	}
	if len(manifests) != 1 || len(manifests[0].Layers) != 1 || !cmp.Equal(manifests[0].RepoTags, []string{Name}) {
		t.Fatalf("the archive holds %v, want one image of one layer, %s", manifests, Name)
	}
	if err := json.Unmarshal(parts[manifests[0].Config].content, &config); err != nil {
		t.Fatal(err)
	}
	return config, entries(t, strings.NewReader(string(parts[manifests[0].Layers[0]].content)))
}

func entries(t *testing.T, archive io.Reader) map[string]entry {
	t.Helper()
	found := map[string]entry{}
	for reader := tar.NewReader(archive); ; {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			t.Fatal(err)
		}
		found[header.Name] = entry{header, content}
	}
}

func names(files map[string]entry) []string {
	var found []string
	for name := range files {
		found = append(found, name)
	}
	return found
}
