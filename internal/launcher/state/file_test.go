package state

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPrepared(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if _, err := ReadPrepared(path); err == nil {
		t.Error("nothing was kept, and there is no error")
	}
	want := []Preparation{{Name: "sys", Reason: "why"}, {Name: "disks", Reason: "why", Error: "busy"}}
	if err := WritePrepared(path, want); err != nil {
		t.Fatal(err)
	}
	got, err := ReadPrepared(path)
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("what was kept differs (error: %v, -want +got):\n%s", err, diff)
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadPrepared(path); err == nil {
		t.Error("half a file is no error")
	}
}
