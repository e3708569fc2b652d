package config_test

import (
	"testing"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// TestReceiver: which versions may accept archives, as tags and as pmcd reports them.
func TestReceiver(t *testing.T) {
	t.Parallel()
	archives := config.Container{AcceptArchives: true}
	writes := config.Container{AcceptWrites: true}
	for version, want := range map[string]struct{ archives, writes bool }{
		"7.2.0": {true, true}, "7.2": {true, true}, "7.10.1-3": {true, true}, "10.0.0": {true, true}, "v7.2.2": {true, true},
		"7.1.5": {false, false}, "7.0.3": {false, false}, "7.1": {false, false}, "v7.1.2-1": {false, false}, "7.1_x": {false, false},
		"6.3.8": {false, true}, "5.3.7": {false, true},
		"7": {true, true}, "latest": {true, true}, "": {true, true}, "2026.11x": {true, true}, "7.1x": {true, true},
	} {
		if got := archives.CheckReceiver(version); (got == nil) != want.archives {
			t.Errorf("archives for %q: %v, want allowed: %t", version, got, want.archives)
		}
		if got := writes.CheckReceiver(version); (got == nil) != want.writes {
			t.Errorf("writes to %q: %v, want allowed: %t", version, got, want.writes)
		}
		if neither := new(config.Container); neither.CheckReceiver(version) != nil {
			t.Errorf("%q is refused although it accepts nothing", version)
		}
	}
}
