// Package parity compares the chart pcp with the injector: for the same settings, both give the same container, volumes, files and fields
// of the pod. Nothing else can, because the chart's template is text.
package parity

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// TestSamePod compares the chart's pod with the injector's, field by field.
func TestSamePod(t *testing.T) {
	t.Parallel()
	seen := newSightings()
	t.Run("cases", func(t *testing.T) {
		t.Parallel()
		for _, c := range cases {
			t.Run(c.name, func(t *testing.T) {
				t.Parallel()
				seen.cases.Add(1)
				chart := mustRender(t, c.values)
				cfg := c.injectorConfig(t, chart.kind)
				comparePods(t, seen, fields(t, chart.template), fields(t, inject(t, cfg)))
				compareSources(t, chart, cfg)
				compareClaims(t, chart, cfg)
			})
		}
	})
	t.Cleanup(func() { seen.reportUnused(t) })
}

// comparePods reports every field that differs and is not among the intended differences.
func comparePods(t *testing.T, seen *sightings, chart, injector map[string]any) {
	t.Helper()
	paths := maps.Clone(chart)
	maps.Copy(paths, injector)
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		inChart, hasChart := chart[path]
		inInjector, hasInjector := injector[path]
		if hasChart == hasInjector && inChart == inInjector {
			continue
		}
		if !seen.intended(path, hasChart, hasInjector) {
			t.Errorf("%s: the chart has %s, the injector %s", path, text(inChart, hasChart), text(inInjector, hasInjector))
		}
	}
}

// compareSources compares the ConfigMap of OpenMetrics sources with the files that the configuration describes.
func compareSources(t *testing.T, chart *rendered, cfg *config.InjectorConfig) {
	t.Helper()
	want := map[string]string{}
	for name, endpoint := range cfg.OpenMetrics.Endpoints {
		safe, err := config.SourceName(name)
		if err != nil {
			t.Fatal(err)
		}
		want[safe+".url"] = endpoint.File()
	}
	got := map[string]string{}
	if sources := chart.configMap(cfg.OpenMetrics.ConfigMapName); sources != nil {
		got = sources.Data
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("sources in ConfigMap %s (-pkg/config +chart):\n%s", cfg.OpenMetrics.ConfigMapName, diff)
	}
}

// compareClaims compares the claims that the chart makes with what the configuration says about them.
func compareClaims(t *testing.T, chart *rendered, cfg *config.InjectorConfig) {
	t.Helper()
	volumes := map[string]config.Volume{}
	for _, volume := range []config.Volume{cfg.Persistence.PMLogger.Volume, cfg.Persistence.PMProxy} {
		volumes[volume.ClaimName] = volume
	}
	for _, claim := range chart.claims {
		volume, known := volumes[claim.Name]
		if !known {
			t.Errorf("claim %s is not one of the configuration", claim.Name)
			continue
		}
		class := ""
		if claim.Spec.StorageClassName != nil {
			class = *claim.Spec.StorageClassName
		}
		got := config.Volume{
			Type: config.VolumePersistentVolumeClaim, ClaimName: claim.Name, StorageClassName: class,
			AccessMode: claim.Spec.AccessModes[0], Size: claim.Spec.Resources.Requests.Storage(),
		}
		if diff := cmp.Diff(volume, got); diff != "" {
			t.Errorf("claim %s (-configuration +chart):\n%s", claim.Name, diff)
		}
		if claim.Annotations["helm.sh/resource-policy"] != "keep" {
			t.Errorf("claim %s would be deleted with the release", claim.Name)
		}
	}
}

// TestSameRefusals gives both the same mistakes, and expects the key in the message.
func TestSameRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// If the schema refuses, keys are separated by slashes.
			_, err := render(t, "pcp", c.values)
			if err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "/", "."), strings.ReplaceAll(c.key, "/", ".")) {
				t.Errorf("the chart does not refuse %s: %v", c.key, err)
			}
			if cfg, err := c.parse(t, config.KindDeployment); err == nil {
				t.Errorf("pkg/config accepts it: %+v", cfg)
			}
		})
	}
}

// TestExamples renders the values in deploy/examples and in the charts' ci.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, chart := range []string{"pcp", "pcp-injector"} {
		for name, values := range valuesFiles(t, chart) {
			t.Run(chart+"/"+name, func(t *testing.T) {
				t.Parallel()
				if _, err := render(t, chart, values); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// injectorConfig is the injector's configuration of a case, for the workload that the chart made.
func (c *settings) injectorConfig(t *testing.T, kind string) *config.InjectorConfig {
	t.Helper()
	cfg, err := c.parse(t, config.TargetKind(kind))
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func (c *settings) parse(t *testing.T, kind config.TargetKind) (*config.InjectorConfig, error) {
	t.Helper()
	document := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(c.config), &document); err != nil {
		t.Fatal(err)
	}
	if _, given := document["target"]; !given {
		document["target"] = map[string]any{"namespace": namespace, "kind": kind, "name": release}
	}
	stateSizes(document)
	data, err := yaml.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return config.Parse(data, c.name)
}

// stateSizes adds the sizes of the claims that the chart creates, as the injector's chart does.
func stateSizes(document map[string]any) {
	persistence := child(document, "persistence")
	for _, service := range []string{"pmlogger", "pmproxy"} {
		volume := child(persistence, service)
		if volume["type"] == nil && volume["claimName"] == nil && volume["size"] == nil {
			volume["size"] = "1Gi"
		}
	}
}

func child(parent map[string]any, key string) map[string]any {
	if _, given := parent[key].(map[string]any); !given {
		parent[key] = map[string]any{}
	}
	return parent[key].(map[string]any)
}

// fields are all fields of a template by their paths, as the types have read them, so 0444 and 292 are the same.
func fields(t *testing.T, template *corev1.PodTemplateSpec) map[string]any {
	t.Helper()
	data, err := yaml.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := yaml.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	flat := map[string]any{}
	flatten(flat, "", value)
	return flat
}
