package mutate_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// TestUninjectWhatWasEdited: somebody changed the injected manifest by hand.
func TestUninjectWhatWasEdited(t *testing.T) {
	t.Parallel()
	const status = `{"version":"v","config":"c","reason":"Injected","added":{"containers":["pcp"],"volumes":["pcp-host"],"labels":["pcp.io/injected"],` +
		`"annotations":["pcp.io/status"],"fields":["/metadata/labels","/spec/volumes","/spec/hostname"]},"replaced":{"/spec/dnsPolicy":"ClusterFirst"}}`
	pod := askingPod()
	pod.Metadata.Annotations[mutate.AnnotationStatus] = status
	ops, err := mutate.Uninject(pod)
	if err != nil {
		t.Fatal(err)
	}
	var paths []string
	for _, op := range ops {
		paths = append(paths, op.Operation+" "+op.Path)
	}
	if got := strings.Join(paths, ", "); got != "remove /metadata/annotations/pcp.io~1status, add /spec/dnsPolicy" {
		t.Errorf("the patch of a pod from which all but the status was removed: %s", got)
	}
}

// TestUninjectForgedStatus: the status is an annotation like any other, and may name things that are not the injector's.
func TestUninjectForgedStatus(t *testing.T) {
	t.Parallel()
	cases := map[string]string{
		"not JSON":   `injected`,
		"empty":      `{}`,
		"container":  `{"reason":"Injected","added":{"containers":["app"]}}`,
		"volume":     `{"reason":"Injected","added":{"volumes":["data"]}}`,
		"annotation": `{"reason":"Injected","added":{"annotations":["example.com/a"]}}`,
		"label":      `{"reason":"Injected","added":{"labels":["app"]}}`,
		"field":      `{"reason":"Injected","added":{"fields":["/spec/serviceAccountName"]}}`,
		"replaced":   `{"reason":"Injected","added":{},"replaced":{"/spec/nodeName":"n"}}`,
	}
	for name, status := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := askingPod()
			pod.Metadata.Annotations[mutate.AnnotationStatus] = status
			ops, err := mutate.Uninject(pod)
			if err == nil || len(ops) > 0 || !strings.Contains(err.Error(), "metadata.annotations[pcp.io/status]") {
				t.Errorf("%d operations, %v", len(ops), err)
			}
		})
	}
}

// TestStatusIsJSON: the hand-written encoder writes what json.Marshal writes, for every field.
func TestStatusIsJSON(t *testing.T) {
	t.Parallel()
	texts := []string{"a", "line\n\x00\"\\ <&> ä"}
	full := mutate.Status{
		Version: "v1", Config: "c", Reason: mutate.ReasonInjected, Message: "a \"message\"\n", Warnings: texts,
		Added:    mutate.Added{Containers: texts, InitContainers: texts, Volumes: texts, Annotations: texts, Labels: texts, Fields: texts},
		Replaced: map[string]any{"/spec/dnsPolicy": "ClusterFirst", "/spec/hostNetwork": false},
	}
	for _, v := range []reflect.Value{reflect.ValueOf(full), reflect.ValueOf(full.Added)} {
		for n := range v.NumField() {
			if v.Field(n).IsZero() {
				t.Errorf("this test leaves out %s", v.Type().Field(n).Name)
			}
		}
	}
	for _, status := range []mutate.Status{full, {}, {Added: mutate.Added{Fields: texts}}} {
		reference, err := json.Marshal(status)
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if err := errors.Join(json.Unmarshal([]byte(status.String()), &got), json.Unmarshal(reference, &want)); err != nil {
			t.Fatalf("%v in %s", err, status.String())
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("the status is\n%s, want the equal of\n%s", status.String(), reference)
		}
	}
}
