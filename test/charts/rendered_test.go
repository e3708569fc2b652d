package charts_test

import (
	"cmp"
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
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
	requireValid(t, newHelm(t, tool).must(arguments...))
}

// requireValid fails if the API server refuses what a chart has rendered, or warns about it, or if it grants anybody anything, OpenShift's
// privileges aside. It applies as Helm does, without the cost of a kubectl for each chart.
func requireValid(t *testing.T, text string) {
	t.Helper()
	server, warned := newApplier(t)
	for document := range strings.SplitSeq(text, "\n---") {
		object := &unstructured.Unstructured{}
		if err := yaml.UnmarshalStrict([]byte(document), &object.Object); err != nil {
			t.Fatalf("%v:\n%s", err, document)
		}
		if object.Object == nil {
			continue
		}
		requireNoPermission(t, document)
		options := metav1.PatchOptions{FieldManager: "helm", FieldValidation: metav1.FieldValidationStrict, DryRun: []string{metav1.DryRunAll}}
		if object.GetKind() == "ServiceAccount" {
			options.DryRun = nil // Pods of accounts that do not exist are refused, in a dry run too.
		}
		if err := server.apply(t.Context(), object, options); err != nil {
			t.Errorf("%s %s: %v", object.GetKind(), object.GetName(), err)
		}
	}
	if len(*warned) > 0 {
		t.Errorf("the API server warns:\n%s", strings.Join(*warned, "\n"))
	}
}

// applier applies objects of any kind.
type applier struct {
	mapper meta.RESTMapper
	client dynamic.Interface
}

// mapper knows the kinds of the plane, and asks for them once.
var mapper = sync.OnceValue(func() meta.RESTMapper {
	return restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(plane.Client().Discovery()))
})

// newApplier returns an applier and what the API server warns of meanwhile.
func newApplier(t *testing.T) (applier, *warnings) {
	t.Helper()
	warned := &warnings{}
	access := plane.Config()
	access.WarningHandler = warned
	client, err := dynamic.NewForConfig(access)
	if err != nil {
		t.Fatal(err)
	}
	return applier{mapper(), client}, warned
}

func (a applier) apply(ctx context.Context, object *unstructured.Unstructured, options metav1.PatchOptions) error {
	kind := object.GroupVersionKind()
	mapping, err := a.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return err
	}
	var client dynamic.ResourceInterface = a.client.Resource(mapping.Resource)
	if mapping.Scope.Name() == meta.RESTScopeNameNamespace {
		client = a.client.Resource(mapping.Resource).Namespace(cmp.Or(object.GetNamespace(), metav1.NamespaceDefault))
	}
	data, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	options.Force = new(true)
	_, err = client.Patch(ctx, object.GetName(), types.ApplyPatchType, data, options)
	return err
}

// warnings are those of the API server.
type warnings []string

// HandleWarningHeader implements rest.WarningHandler.
func (w *warnings) HandleWarningHeader(_ int, _, text string) { *w = append(*w, text) }

// TestNamesLikeNumbers: names that YAML reads as numbers or booleans, unless they are quoted, are names.
func TestNamesLikeNumbers(t *testing.T) {
	t.Parallel()
	const released, target = "1e3", "123"
	createNamespace(t, released, nil)
	createNamespace(t, target, map[string]string{"pcp.io/injection": "enabled"})
	values := map[string]string{
		injectorChart: `fullnameOverride=true,nameOverride=1e3,config.target.namespace=` + target + `,config.target.name=0.1e3,priorityClassName=1e3,` +
			`certificates.certManager.issuerRef.name=12,config.openMetrics.configMapName=1,config.openMetrics.pmlogconfConfigMapName=2,config.openMetrics.secretName=3,` +
			`config.openMetrics.endpoints.a.url=http://a,config.persistence.pmlogger.claimName=4,` +
			`config.persistence.pmlogger.storageClassName=5,config.persistence.pmproxy.claimName=6,commonLabels.a=true`,
		pcpChart: `fullnameOverride=true,nameOverride=1e3,serviceAccount.name=12,persistence.pmlogger.storageClass=5,persistence.pmproxy.existingClaim=6,` +
			`openMetrics.secretName=3,openMetrics.endpoints.a.url=http://a,priorityClassName=1e3,commonLabels.a=true`,
	}
	further := map[string][]string{
		injectorChart: {
			"guard.requirePermission=true", "pcp.podMonitor.create=true", "serviceMonitor.enabled=true", "prometheusRule.enabled=true",
			"pcp.ingress.create=true", `pcp.pmlogconfGroups={"a":"#pmlogconf-setup 2.0\n"}`,
		},
		pcpChart: {"ingress.enabled=true", `ingress.hosts=[{"host":"1e3","paths":[{"path":"/","pathType":"Prefix"}]}]`, `ingress.tls=[{"secretName":"7","hosts":["1e3"]}]`, `ingress.className="8"`},
	}
	for _, chart := range []string{injectorChart, pcpChart} {
		for _, tool := range []string{"helm", "helm3"} {
			t.Run(filepath.Base(chart)+"-"+tool, func(t *testing.T) {
				t.Parallel()
				arguments := []string{"template", "1e2", chart, "--namespace", released, "--set-string", values[chart]}
				for _, value := range further[chart] {
					arguments = append(arguments, "--set-json", value)
				}
				if chart == injectorChart {
					arguments = append(arguments, "--set-string", "pcp.ingress.host=1e3,pcp.ingress.className=8,pcp.ingress.tlsSecretName=7")
				}
				requireValid(t, newHelm(t, tool).must(arguments...))
			})
		}
	}
}

// requireNoPermission fails if the document binds a role to anybody but the account of helm test.
func requireNoPermission(t *testing.T, document string) {
	t.Helper()
	var binding struct {
		RoleRef  rbacv1.RoleRef   `json:"roleRef"`
		Subjects []rbacv1.Subject `json:"subjects"`
	}
	if err := yaml.Unmarshal([]byte(document), &binding); err != nil {
		t.Fatal(err)
	}
	if binding.RoleRef.Name == privilegedSCC { // Of the target's pods, where the administrator wants it: see TestOpenShift.
		return
	}
	for _, subject := range binding.Subjects {
		if subject.Kind != rbacv1.ServiceAccountKind || !strings.HasSuffix(subject.Name, "-test") {
			t.Errorf("the chart gives %s %s permissions:\n%s", subject.Kind, subject.Name, document)
		}
	}
}
