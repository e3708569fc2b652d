package docs_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// TestKindsAreEverywhere: each kind of the table has a pod that is injected, a manifest that the plugin injects, and is documented.
func TestKindsAreEverywhere(t *testing.T) {
	t.Parallel()
	pods, manifests := readAll(t, "pkg/mutate/testdata/golden"), readAll(t, "cmd/kubectl-pcp/testdata/golden")
	reference := section(t, "configuration.md", "\n| `kind` | string | `Deployment` |", "\n")
	for n := range config.Kinds {
		kind := string(config.Kinds[n].Kind)
		for place, found := range map[string]bool{
			"the comment of config.Target.Kind":       strings.Contains(reference, kind),
			"the target of a golden of pkg/mutate":    kind == "Deployment" || strings.Contains(pods, "kind: "+kind),
			"a manifest of cmd/kubectl-pcp's goldens": strings.Contains(manifests, "\nkind: "+kind+"\n"),
		} {
			if !found {
				t.Errorf("%s is in config.Kinds, but not in %s", kind, place)
			}
		}
	}
}

// TestAnnotationsAreEverywhere: each annotation of the table has a pod that uses it, and is documented; each override allows one.
func TestAnnotationsAreEverywhere(t *testing.T) {
	t.Parallel()
	pods := readAll(t, "pkg/mutate/testdata/golden")
	author := section(t, "annotations.md", "\n## On the pod template\n", "\n## ")
	injector := section(t, "annotations.md", "\n## Written by the injector\n", "\n## ")
	reference := section(t, "configuration.md", "\n| `allow` |", "\n")
	overrides := []config.Override{config.OverrideOpenMetrics}
	for _, annotation := range mutate.Annotations {
		page := author
		if annotation.Written {
			page = injector
		}
		if !strings.Contains(page, "`"+annotation.Key+"`") {
			t.Errorf("docs/annotations.md does not explain %s", annotation.Key)
		}
		if !strings.Contains(pods, annotation.Key+":") {
			t.Errorf("no golden of pkg/mutate has a pod with %s", annotation.Key)
		}
		if annotation.Override == "" {
			continue
		}
		overrides = append(overrides, annotation.Override)
		if !strings.Contains(reference, annotation.Key) {
			t.Errorf("the comment of config.Overrides.Allow does not name %s", annotation.Key)
		}
	}
	for _, override := range config.AllOverrides {
		if !slices.Contains(overrides, override) {
			t.Errorf("no annotation of mutate.Annotations has the override %s", override)
		}
	}
}

// section of a page of docs, from one text to the next other one.
func section(t *testing.T, page, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(read(t, filepath.Join(root, "docs", page)), from)
	if !found {
		t.Fatalf("docs/%s has no %q", page, from)
	}
	text, _, _ := strings.Cut(rest, to)
	return text
}

// readAll is the text of all fixtures in a folder.
func readAll(t *testing.T, folder string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "*.txtar"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no fixtures: %v", folder, err)
	}
	var text strings.Builder
	for _, file := range files {
		text.WriteString(read(t, file))
	}
	return text.String()
}

// TestVersionsOfKubernetes: docs/versions.md says when the oldest version that the charts allow was tested, and the version of the tests.
func TestVersionsOfKubernetes(t *testing.T) {
	t.Parallel()
	table := section(t, "versions.md", "\n## Kubernetes\n", "\n## ")
	for file, version := range map[string]string{
		"charts/pcp-injector/Chart.yaml": `(?m)^kubeVersion: ">=(\d+\.\d+)\.0-0"$`,
		"charts/pcp/Chart.yaml":          `(?m)^kubeVersion: ">=(\d+\.\d+)\.0-0"$`,
		"test/tools/go.mod":              `(?m)^\s+k8s\.io/kubernetes v(\d+\.\d+\.\d+)$`,
	} {
		found := regexp.MustCompile(version).FindStringSubmatch(read(t, filepath.Join(root, filepath.FromSlash(file))))
		if found == nil {
			t.Fatalf("%s has nothing like %s", file, version)
		}
		if row := "\n| " + found[1]; !strings.Contains(table, row) {
			t.Errorf("docs/versions.md has no row for Kubernetes %s, which is in %s", found[1], file)
		}
	}
}
