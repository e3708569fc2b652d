package config_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// TestKinds: the table has every kind of Kubernetes whose objects have a pod template in a spec, and its path.
func TestKinds(t *testing.T) {
	t.Parallel()
	want := map[schema.GroupKind]string{}
	for kind, typ := range scheme.Scheme.AllKnownTypes() {
		spec, found := typ.FieldByName("Spec")
		if path := templateIn(spec.Type, "spec"); kind.Version == "v1" && found && path != "" {
			want[kind.GroupKind()] = path
		}
	}
	want[schema.GroupKind{Kind: "Pod"}] = ""
	for _, kind := range config.Kinds {
		key := schema.GroupKind{Group: kind.Group, Kind: string(kind.Kind)}
		path, known := want[key]
		if got := strings.Join(kind.TemplatePath(), "."); !known || got != path {
			t.Errorf("%s: got the pod template at %q, want %q", kind.Kind, got, path)
		}
		if plural, _ := meta.UnsafeGuessKindToResource(key.WithVersion("v1")); kind.Resource != plural.Resource {
			t.Errorf("%s: got resource %s, want %s", kind.Kind, kind.Resource, plural.Resource)
		}
		delete(want, key)
	}
	if len(want) > 0 {
		t.Errorf("config.Kinds lacks %v", slices.Collect(maps.Keys(want)))
	}
}

// templateIn is the path of the pod template in a struct with the given path; empty if there is none.
func templateIn(typ reflect.Type, path string) string {
	if typ == nil || typ.Kind() != reflect.Struct {
		return ""
	}
	for member := range typ.Fields() {
		memberType := member.Type
		if memberType.Kind() == reflect.Pointer { // of a ReplicationController
			memberType = memberType.Elem()
		}
		key, _, _ := strings.Cut(member.Tag.Get("json"), ",")
		at := path + "." + key
		if memberType == reflect.TypeFor[corev1.PodTemplateSpec]() {
			return at
		}
		if strings.HasSuffix(memberType.Name(), "Spec") {
			if found := templateIn(memberType, at); found != "" {
				return found
			}
		}
	}
	return ""
}
