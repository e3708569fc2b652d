package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"gomodules.xyz/jsonpatch/v2"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestResponse compares whole answers, as they go over the wire, with golden files.
func TestResponse(t *testing.T) {
	t.Parallel()
	spec := field.NewPath("spec")
	tests := map[string]mutate.Decision{
		"untouched": {Reason: mutate.ReasonNotRequested},
		"injected": {
			Reason:   mutate.ReasonInjected,
			Warnings: []mutate.Warning{{Code: "GracePeriod", Message: "terminationGracePeriodSeconds is 5."}},
			Patch: []jsonpatch.Operation{
				{Operation: "add", Path: "/metadata/labels/pcp.io~1injected", Value: "true"},
				{Operation: "add", Path: "/spec/containers/-", Value: json.RawMessage(`{"name":"pcp"}`)},
			},
		},
		"not-designated": {
			Reason:  mutate.ReasonNotDesignated,
			Message: "the designated workload is Deployment monitoring/node-monitor",
		},
		"rejected": {Reason: mutate.ReasonIncompatible, Problems: field.ErrorList{
			field.Forbidden(spec.Child("hostPID"), "systemd must be the first process; remove hostPID"),
			field.Invalid(spec.Child("containers").Index(0).Child("name"), "pcp", "is the injector's; choose another"),
		}},
	}
	for name, decision := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := stubHandler(func(mutate.Request) mutate.Decision { return decision }, io.Discard)
			recorder := post(h, []byte(goodReview))
			golden := filepath.Join("testdata", "response-"+name+".json")
			compareGolden(t, golden, recorder.Body.Bytes())
			decodeResponse(t, recorder)
		})
	}
}

func compareGolden(t *testing.T, path string, answer []byte) {
	t.Helper()
	var got bytes.Buffer
	if err := json.Indent(&got, bytes.TrimSpace(answer), "", "  "); err != nil {
		t.Fatal(err)
	}
	got.WriteByte('\n')
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("answer differs from %s (go test -update rewrites it):\n%s", path, got.String())
	}
}

// TestEncodePatch: what the hand-written encoder writes is what the library reads back.
func TestEncodePatch(t *testing.T) {
	t.Parallel()
	operations := []jsonpatch.Operation{
		{Operation: "add", Path: `/metadata/annotations/a~1"b`, Value: "line\n\t\x00\\ \"<&>\u2028ä"},
		{Operation: "add", Path: "/spec/containers/-", Value: json.RawMessage(`{"name":"pcp","ports":[1,2]}`)},
		{Operation: "add", Path: "/spec/nothing"},
		{Operation: "replace", Path: "/spec/hostNetwork", Value: true},
		{Operation: "add", Path: "/spec/volumes", Value: []map[string]any{{"name": "pcp-host"}}},
	}
	encoded, err := encodePatch(operations)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := json.Marshal(operations)
	if err != nil {
		t.Fatal(err)
	}
	var got, want any
	if err := errors.Join(json.Unmarshal(encoded, &got), json.Unmarshal(reference, &want)); err != nil {
		t.Fatalf("%v in %s", err, encoded)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("patch is\n%s, want the equal of what json.Marshal writes:\n%s", encoded, reference)
	}
	if _, err := encodePatch([]jsonpatch.Operation{{Path: "/a", Value: func() {}}}); err == nil {
		t.Error("a value that is no JSON is encoded, want an error")
	}
}

func TestUnencodablePatchIsDenied(t *testing.T) {
	t.Parallel()
	h := stubHandler(func(mutate.Request) mutate.Decision {
		return mutate.Decision{Reason: mutate.ReasonInjected, Patch: []jsonpatch.Operation{{Path: "/a", Value: func() {}}}}
	}, io.Discard)
	if response := decodeResponse(t, post(h, []byte(goodReview))); response.Allowed || response.Result.Code != 500 {
		t.Errorf("response is %+v, want a denial with code 500", response)
	}
}

func TestWarningsAreClipped(t *testing.T) {
	t.Parallel()
	long := mutate.Warning{Code: "Long", Message: strings.Repeat("ä", maxWarning)}
	text := warnings([]mutate.Warning{long})[0]
	if len(text) > maxWarning || len(text) < maxWarning-4 || !utf8.ValidString(text) || !strings.HasSuffix(text, "…") {
		t.Errorf("warning is %q of %d bytes", text, len(text))
	}
	if text := clip("short", maxWarning); text != "short" {
		t.Errorf("text is %q, want it as it was", text)
	}
}
