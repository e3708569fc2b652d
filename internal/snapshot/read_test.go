package snapshot_test

import (
	"errors"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// TestUnseen: the URL of an exec contains the whole script, which says nothing to the user.
func TestUnseen(t *testing.T) {
	t.Parallel()
	read := snapshot.Read[bool]{Err: errors.New(`Get "https://10.0.0.1:6443/api/v1/namespaces/a/pods/b/exec?command=sh&command=-c&stdout=true": EOF`)}
	want := `unknown, because it could not be read: Get "https://10.0.0.1:6443/api/v1/namespaces/a/pods/b/exec": EOF`
	if got := read.Unseen(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
