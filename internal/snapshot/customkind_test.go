package snapshot

import (
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/fake"
)

// TestFindAmong: of several groups with a kind of the name, the one that has the object counts. The client is a fake; test/charts has
// a real kind.
func TestFindAmong(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		in    []string
		finds string
		says  string
	}{
		{"first", []string{"a.example"}, "a.example", ""},
		{"last", []string{"c.example"}, "c.example", ""},
		{"nowhere", nil, "a.example", "not found"},
		{"twice", []string{"a.example", "c.example"}, "", "it may be of monitors.a.example or of monitors.c.example: the configuration does not name the group"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			kinds, client := monitors(test.in)
			kind, subject, err := (&Reader{dynamic: client}).findAmong(t.Context(), kinds, "monitoring", "node-monitor")
			switch {
			case test.finds == "":
				if kind != nil || err == nil || err.Error() != test.says {
					t.Errorf("found %v, error %v, want %q", kind, err, test.says)
				}
			case kind == nil || kind.Resource.Group != test.finds || (subject == nil) != apierrors.IsNotFound(err):
				t.Errorf("found %v (%v), want that of %s", kind, err, test.finds)
			case test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)):
				t.Errorf("error %v, want %q", err, test.says)
			}
		})
	}
}

// monitors are three groups with a kind of one name, some of which have the object.
func monitors(in []string) ([]Kind, *fake.FakeDynamicClient) {
	var kinds []Kind
	lists := map[schema.GroupVersionResource]string{}
	for _, group := range []string{"a.example", "b.example", "c.example"} {
		resource := schema.GroupVersionResource{Group: group, Version: "v1", Resource: "monitors"}
		lists[resource] = "MonitorList"
		kinds = append(kinds, Kind{"Monitor", resource, []string{resource.GroupResource().String()}})
	}
	var objects []runtime.Object
	for _, group := range in {
		objects = append(objects, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": group + "/v1", "kind": "Monitor", "metadata": map[string]any{"name": "node-monitor", "namespace": "monitoring"},
			"spec": map[string]any{"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "app"}}}}},
		}})
	}
	return kinds, fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), lists, objects...)
}
