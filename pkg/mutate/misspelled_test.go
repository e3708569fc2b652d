package mutate_test

import (
	"slices"
	"testing"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

func TestMisspelledRequests(t *testing.T) {
	t.Parallel()
	found := mutate.MisspelledRequests(slices.Values([]string{
		"pcp.io/injct", "pcp.io/Inject", "pcp.io/inject", "pcp.io/status", "pcp.io/services", "pcp.io/serivces", "pcp.io/domain-agents", "example.com/inject", "pcp.io/injected",
	}))
	if want := []string{"pcp.io/Inject", "pcp.io/injct", "pcp.io/injected"}; !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}
