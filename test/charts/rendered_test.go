package charts_test

import (
	"path/filepath"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// TestRendered: what either Helm makes of a chart without values, with each values file in its folder ci and with each example is
// accepted by the API server with strict validation and without a warning.
func TestRendered(t *testing.T) {
	t.Parallel()
	for _, chart := range []string{injectorChart, pcpChart} {
		for shape, file := range shapes(t, chart) {
			t.Run(filepath.Base(chart)+"-"+shape, func(t *testing.T) {
				t.Parallel()
				for _, tool := range []string{"helm", "helm3"} {
					requireAccepted(t, tool, chart, file)
				}
			})
		}
	}
}

// shapes are the values files for a chart, by name.
func shapes(t *testing.T, chart string) map[string]string {
	t.Helper()
	files := map[string]string{"defaults": ""}
	for kind, pattern := range map[string]string{
		"ci": chart + "/ci/*-values.yaml", "example": "../../deploy/examples/" + filepath.Base(chart) + "/*.yaml",
	} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Fatalf("found no %s (error: %v)", pattern, err)
		}
		for _, file := range found {
			files[kind+"-"+strings.TrimSuffix(strings.TrimSuffix(filepath.Base(file), ".yaml"), "-values")] = file
		}
	}
	return files
}

func requireAccepted(t *testing.T, tool, chart, file string) {
	t.Helper()
	namespace := namespaceFor(t) + "-" + tool
	createNamespace(t, namespace, nil)
	arguments := []string{"template", "release", chart, "--namespace", namespace}
	if file != "" {
		arguments = append(arguments, "--values", file)
	}
	if chart == injectorChart {
		createNamespace(t, namespace+"-target", nil)
		arguments = append(arguments, "--set", "config.target.namespace="+namespace+"-target")
	}
	text := newHelm(t, tool).must(arguments...)
	for document := range strings.SplitSeq(text, "\n---") {
		if strings.Contains(document, "\nkind: ServiceAccount\n") {
			// Pods of accounts that do not exist are refused, in a dry run too.
			mustKubectl(t, document, "apply", "-f", "-")
		}
		requireNoPermission(t, document)
	}
	said := kubectl(t, text, "apply", "--dry-run=server", "--validate=strict", "-f", "-")
	said.must(t, tool, "template", file)
	if warnings := withoutHint(said.stderr); warnings != "" {
		t.Errorf("%s: the API server warns:\n%s", tool, warnings)
	}
}

// withoutHint leaves out what kubectl says of a namespace that it did not make.
func withoutHint(said string) string {
	var kept []string
	for line := range strings.Lines(said) {
		if !strings.Contains(line, "kubectl.kubernetes.io/last-applied-configuration") {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "")
}

// requireNoPermission fails if the document binds a role to anybody but the account of helm test.
func requireNoPermission(t *testing.T, document string) {
	t.Helper()
	var binding struct {
		Subjects []rbacv1.Subject `json:"subjects"`
	}
	if err := yaml.Unmarshal([]byte(document), &binding); err != nil {
		t.Fatal(err)
	}
	for _, subject := range binding.Subjects {
		if subject.Kind != rbacv1.ServiceAccountKind || !strings.HasSuffix(subject.Name, "-test") {
			t.Errorf("the chart gives %s %s permissions:\n%s", subject.Kind, subject.Name, document)
		}
	}
}
