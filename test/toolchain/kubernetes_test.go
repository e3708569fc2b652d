package toolchain

import (
	"archive/zip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestOtherVersion compiles a tool with a module that replaces another one with its own folder, as Kubernetes does. The published one is
// used instead, in the matching version.
func TestOtherVersion(t *testing.T) {
	proxyOf(t, map[string]string{
		"example.com/plane@v1.2.3":    "go 1.26\n\nrequire example.com/staged v0.0.0\n\nreplace example.com/staged => ./staging/src/example.com/staged\n",
		"example.com/plane@v1.2.10":   "go 1.26\n\nrequire example.com/staged v0.0.0\n\nreplace example.com/staged => ./staging/src/example.com/staged\n",
		"example.com/plane@v1.3.0":    "go 1.26\n",
		"example.com/staged@v0.2.3":   "go 1.26\n",
		"example.com/staged@v0.2.10":  "go 1.26\n",
		"example.com/plane@v1.4.0-rc": "go 1.26\n",
	})
	s, plane := sample(t, "package main\n\nimport (\n\t\"os\"\n\n\t\"example.com/plane\"\n)\n\nfunc main() { _, _ = os.Stdout.WriteString(plane.Version()) }\n")
	if err := os.Remove(filepath.Join(s.root, "hello", "go.mod")); err != nil {
		t.Fatal(err)
	}
	plane.module, plane.staged = "example.com/plane", true
	for asked, want := range map[string]string{"1.2.3": "plane v1.2.3 with staged v0.2.3", "1.2": "plane v1.2.10 with staged v0.2.10"} {
		version, err := releasedVersion(t.Context(), s.root, plane.module, asked)
		if err != nil {
			t.Fatal(err)
		}
		plane.version = version
		folder, err := s.ensure(t.Context(), plane)
		if err != nil {
			t.Fatal(err)
		}
		if got := said(t, filepath.Join(folder, "hi")); got != want {
			t.Errorf("version %s says %q, want %q", asked, got, want)
		}
	}
	for asked, want := range map[string]string{
		"1.4":    "there is no release of Kubernetes 1.4",
		"latest": `the version of Kubernetes is "latest": want one like 1.30`,
	} {
		if _, err := releasedVersion(t.Context(), s.root, plane.module, asked); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("version %s: got error %v, want %q", asked, err, want)
		}
	}
}

// proxyOf makes the go command find modules, each of one package, in a folder, with the text of their go.mod. Nothing of them stays on the
// machine.
func proxyOf(t *testing.T, modules map[string]string) {
	t.Helper()
	proxy := t.TempDir()
	for module, requirements := range modules {
		publish(t, proxy, module, requirements)
	}
	t.Setenv("GOPROXY", "file://"+filepath.ToSlash(proxy))
	t.Setenv("GONOSUMDB", "example.com")
	t.Setenv("GOMODCACHE", t.TempDir())
	t.Cleanup(func() {
		// The cache is read-only.
		if err := exec.Command("go", "clean", "-modcache").Run(); err != nil {
			t.Error(err)
		}
	})
}

func publish(t *testing.T, proxy, module, requirements string) {
	t.Helper()
	path, version, _ := strings.Cut(module, "@")
	folder, name := filepath.Join(proxy, filepath.FromSlash(path), "@v"), filepath.Base(path)
	source := "package " + name + "\n\nfunc Version() string { return \"" + name + " " + version + "\" }\n"
	if strings.Contains(requirements, "example.com/staged") {
		source = "package " + name + "\n\nimport \"example.com/staged\"\n\nfunc Version() string { return \"" + name + " " + version + " with \" + staged.Version() }\n"
	}
	goMod := "module " + path + "\n\n" + requirements
	write(t, filepath.Join(folder, version+".info"), `{"Version": "`+version+`"}`)
	write(t, filepath.Join(folder, version+".mod"), goMod)
	file, err := os.Create(filepath.Join(folder, version+".zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	archive := zip.NewWriter(file)
	for name, text := range map[string]string{"go.mod": goMod, "source.go": source} {
		member, err := archive.Create(module + "/" + name)
		if err == nil {
			_, err = member.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	listed, err := os.OpenFile(filepath.Join(folder, "list"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer listed.Close()
	if _, err := listed.WriteString(version + "\n"); err != nil {
		t.Fatal(err)
	}
}
