package toolchain

import (
	"encoding/json"
	"path/filepath"
	"testing"
)

// required are the versions in the go.mod of a folder of the project, by module.
func required(t *testing.T, folder string) map[string]string {
	t.Helper()
	root, err := projectRoot()
	if err != nil {
		t.Fatal(err)
	}
	text, err := goOutput(t.Context(), filepath.Join(root, folder), "mod", "edit", "-json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal([]byte(text), &file); err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for _, r := range file.Require {
		versions[r.Path] = r.Version
	}
	return versions
}

// older tools may have another version in go.mod: from 1.20 on, cert-manager requires a newer CEL than the API server's, and go install
// refuses a module that excludes it.
var older = map[string]bool{"github.com/cert-manager/cert-manager": true, "sigs.k8s.io/gateway-api": true}

// TestSharedVersions: what both the project and the tools contain has one version, so it is compiled once. Another version of a library,
// usually client-go, compiles everything that imports it again.
func TestSharedVersions(t *testing.T) {
	t.Parallel()
	ours, theirs := required(t, "."), required(t, shared)
	both := 0
	for module, version := range ours {
		if theirs[module] == "" {
			continue
		}
		both++
		if version != theirs[module] && !older[module] {
			t.Errorf("%s is %s in go.mod and %s in %s/go.mod: go get the newer in the module that has the older", module, version, theirs[module], shared)
		}
	}
	if both < 50 {
		t.Errorf("only %d modules are required by both, so this test shows nothing", both)
	}
}
