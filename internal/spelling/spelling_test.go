package spelling_test

import (
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
