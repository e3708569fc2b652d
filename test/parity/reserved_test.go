package parity

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// TestReservedVariables: neither of the two allows a variable that it sets itself in some case.
func TestReservedVariables(t *testing.T) {
	t.Parallel()
	names := map[string]bool{}
	for _, c := range cases {
		cfg, err := c.parse(t, config.KindDeployment)
		if err != nil { // the case is about another kind
			continue
		}
		own := len(cfg.Container.Env) // the administrator's come last
		containers := inject(t, cfg).Spec.Containers
		variables := containers[len(containers)-1].Env
		for _, variable := range variables[:len(variables)-own] {
			names[variable.Name] = true
		}
	}
	if len(names) < 12 {
		t.Errorf("only %d variables are set in the cases, so this test misses some", len(names))
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		c := settings{name, fmt.Sprintf("extraEnv: [{name: %s, value: a}]", name), fmt.Sprintf("container: {env: [{name: %s, value: a}]}", name)}
		if _, err := render(t, "pcp", c.values); err == nil {
			t.Errorf("the chart's extraEnv may set %s", name)
		}
		if _, err := c.parse(t, config.KindDeployment); err == nil {
			t.Errorf("container.env may set %s", name)
		}
	}
	t.Logf("%d variables: %v", len(names), slices.Sorted(maps.Keys(names)))
}
