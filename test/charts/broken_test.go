package charts_test

import (
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/test/injector"
)

// TestBrokenConfiguration upgrades a release to a configuration that only the program finds fault with: the new replica ends and
// names the key, the Deployment keeps the old ones, and they go on injecting.
func TestBrokenConfiguration(t *testing.T) {
	t.Parallel()
	r := newRelease(t, "helm", "guard.warnings.scope=Target", "certificates.mode=helm")
	r.install()
	r.serve()
	r.awaitTrust()
	r.apply(nodeMonitor()).must(t)
	r.pod("node-monitor", injected)

	r.set(`config.container.keyServers={a..b:6379}`)
	r.deploy("upgrade", injectorChart)
	spec := r.deployment().Spec.Template.Spec
	config, certificate, err := mounts(t.Context(), r.namespace, &spec)
	if err != nil {
		t.Fatal(err)
	}
	replica, err := injector.Serve(t.Context(), injector.Options{
		Command: command, Name: r.namespace + "-new", Config: config, Arguments: spec.Containers[0].Args,
	}, certificate)
	if err == nil {
		t.Fatalf("a replica serves %s, want it to refuse the configuration: %v", config, replica.Stop())
	}
	if want := `container.keyServers[0]: Invalid value: "a..b:6379": must be host:port`; !strings.Contains(err.Error(), want) {
		t.Errorf("the new replica ends with %v, want %q in it", err, want)
	}
	if policy := spec.Containers[0].TerminationMessagePolicy; policy != "FallbackToLogsOnError" {
		t.Errorf("terminationMessagePolicy is %q, so kubectl describe does not show why the replica ended", policy)
	}
	if rolling := r.deployment().Spec.Strategy.RollingUpdate; rolling.MaxUnavailable.IntValue() != 0 {
		t.Errorf("maxUnavailable is %s, want 0: the old replicas have to stay", rolling.MaxUnavailable.String())
	}
	r.replacePod()
	r.pod("node-monitor", injected)
}
