package mutate_test

import (
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

// TestUninjectForgedStatus: the status is an annotation like any other, and may name what is not the injector's.
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
