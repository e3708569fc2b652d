package toolchain

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestPrograms(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "main")
	out := &output{}
	if err := CompilePrograms(t.Context(), "-s -w", map[string]string{path: "./test/toolchain/main"}).Wait(out); err != nil {
		t.Fatal(err)
	}
	if !exists(path) {
		t.Error("nothing was compiled")
	}
	err := CompilePrograms(t.Context(), "", map[string]string{path: "./test/toolchain/absent"}).Wait(out)
	if err == nil || !strings.Contains(err.Error(), "directory not found") {
		t.Errorf("got error %v, want that there is no such package", err)
	}
}
