package toolchain

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAssetsAreUsed(t *testing.T) {
	assets := t.TempDir()
	t.Setenv(assetsVariable, assets)
	// Nothing can be compiled, so what is found can only come from the assets.
	t.Setenv("PATH", "")
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	for _, command := range []string{"etcd", "kube-apiserver"} {
		write(t, filepath.Join(assets, command), "#!/bin/sh\n")
	}
	paths, err := Find(t.Context(), t.Output(), "etcd", "kube-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(assets, "etcd"); paths["etcd"] != want {
		t.Errorf("got etcd at %s, want %s", paths["etcd"], want)
	}
	_, err = Find(t.Context(), t.Output(), "etcd", "kwok")
	if err == nil || !strings.Contains(err.Error(), "name a folder that has a ready kwok in KUBEBUILDER_ASSETS") {
		t.Errorf("got error %v, want how to do without compiling", err)
	}
}

func TestUnknownTool(t *testing.T) {
	t.Parallel()
	_, err := Find(t.Context(), t.Output(), "kubeadm")
	if err == nil || !strings.Contains(err.Error(), `no tool called "kubeadm": there are etcd, kube-apiserver,`) {
		t.Errorf("got error %v, want the tools that there are", err)
	}
}

func TestControlPlaneVersion(t *testing.T) {
	t.Parallel()
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	plane, err := toolFor("kube-apiserver")
	if err != nil {
		t.Fatal(err)
	}
	plane, err = plane.resolved(root)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(plane.version, ".")
	settings := plane.stamp(plane.version, time.Unix(0, 0))
	for _, want := range []string{
		"-X k8s.io/component-base/version.gitVersion=" + plane.version, "-X k8s.io/client-go/pkg/version.gitMinor=" + parts[1],
		"-X k8s.io/component-base/version.gitMajor=1", "-X k8s.io/component-base/version.buildDate=1970-01-01T00:00:00Z",
	} {
		if !slices.Contains(settings, want) {
			t.Errorf("the linker does not get %s: %v", want, settings)
		}
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	c := newCompilation(t.Output(), "tool")
	write := func(text string) {
		if _, err := c.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	write("go: downloading example.com/one v1.0.0\ngo: downloading example.com/two v1.0.0\n")
	if got := c.state(); got != "2 modules downloaded" {
		t.Errorf("while downloading: %q", got)
	}
	c.expect(7)
	write("example.com/one\nexample.com/t")
	write("wo\n# example.com/two\n./main.go:1:2: undefined: x\n")
	if got := c.state(); got != "2 of at most 7 packages compiled" {
		t.Errorf("while compiling: %q", got)
	}
	c.compiling = c.compiling.Add(-10 * time.Minute)
	if got := c.state(); got != "2 of at most 7 packages compiled, about 26 min left" {
		t.Errorf("after ten minutes of compiling: %q", got)
	}
}

func TestTransferProgress(t *testing.T) {
	t.Parallel()
	d := &transfer{files: 2}
	d.expect(3e6)
	if _, err := d.Write(make([]byte, 2e6)); err != nil {
		t.Fatal(err)
	}
	if got := d.amount(); got != "2 MB downloaded" {
		t.Errorf("before all sizes are known: %q", got)
	}
	d.expect(7e6)
	d.started = time.Now().Add(-10 * time.Second)
	if got := d.amount(); got != "2 of 10 MB downloaded, about 50 s left" {
		t.Errorf("after ten seconds: %q", got)
	}
	d.forget(2e6, 3e6)
	if got := d.amount(); got != "0 MB downloaded" {
		t.Errorf("after a broken transfer: %q", got)
	}
}
