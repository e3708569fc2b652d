package charts_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/performancecopilot/pcp-injector/test/loopback"
	"github.com/performancecopilot/pcp-injector/test/toolchain/process"
)

// root is the folder of the Makefile, from this package's folder.
const root = "../.."

// TestPackage: make package makes a repository of charts that any web server can serve, and pushes them to an OCI registry; from
// either, each Helm installs them.
func TestPackage(t *testing.T) {
	t.Parallel()
	registry := startRegistry(t)
	execute(t, "", nil, "make", "-C", root, "package", "REGISTRY=oci://"+registry+"/charts", "PUSHFLAGS=--plain-http").must(t, "make package")
	repository := httptest.NewServer(http.FileServer(http.Dir(root + "/bin/charts")))
	t.Cleanup(repository.Close)
	for _, tool := range []string{"helm", "helm3"} {
		t.Run(tool, func(t *testing.T) {
			t.Parallel()
			r := newRelease(t, tool, "certificates.mode=helm", "guard.warnings.scope=Target")
			r.flags = append(r.flags, "--plain-http")
			r.deploy("install", "oci://"+registry+"/charts/pcp-injector")
			r.serve()
			r.awaitTrust()
			r.must("repo", "add", "pcp", repository.URL)
			if text := r.must("template", "pcp", "pcp/pcp"); !strings.Contains(text, "ghcr.io/performancecopilot/pcp:7.2.0") {
				t.Errorf("the chart pcp of the repository renders\n%s", text)
			}
			if found := r.must("search", "repo", "pcp/"); !strings.Contains(found, "pcp/pcp-injector") {
				t.Errorf("the repository has\n%s\nwant pcp-injector too", found)
			}
		})
	}
}

// startRegistry starts an OCI registry, whose contents are gone with the test, and returns its address.
func startRegistry(t *testing.T) string {
	t.Helper()
	address, err := loopback.Address(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cmd := process.Command(tools["crane"], "registry", "serve", "--address", address)
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	registry, err := process.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { registry.Stop(time.Second) })
	err = eventually(t.Context(), "the registry", func(ctx context.Context) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/v2/", http.NoBody)
		if err != nil {
			return err
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		defer response.Body.Close()
		if response.StatusCode != http.StatusOK {
			return errors.New(response.Status)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return address
}
