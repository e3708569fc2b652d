package spelling_test

import (
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/spelling"
)

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"image", "imagePullPolicy", "placement", "services", "env"}
	for name, want := range map[string]string{
		"imgae": "image", "Image": "image", "imagepullpolicy": "imagePullPolicy", "service": "services",
		"place": "placement", "envs": "env", "command": "", "": "", "x": "",
	} {
		if got := spelling.Nearest(name, known); got != want {
			t.Errorf("%q: want %q, got %q", name, want, got)
		}
	}
}

// TestLongNames: names that are too long to be misspelled are not compared, on either side.
func TestLongNames(t *testing.T) {
	t.Parallel()
	for name, known := range map[string]string{
		strings.Repeat("a", 200): strings.Repeat("a", 201),
		strings.Repeat("b", 128): strings.Repeat("b", 129),
	} {
		if got := spelling.Nearest(name, []string{known}); got != "" {
			t.Errorf("%d bytes: got a guess of %d", len(name), len(got))
		}
	}
	if almost := strings.Repeat("c", 128); spelling.Nearest(almost[1:]+"d", []string{almost}) != almost {
		t.Error("names of 128 bytes are not compared")
	}
}
