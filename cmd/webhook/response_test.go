package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gomodules.xyz/jsonpatch/v2"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// TestResponse compares whole answers, as sent, with golden files.
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
		"already-injected": {
			Reason:   mutate.ReasonAlreadyInjected,
			Warnings: []mutate.Warning{{Code: "CPULimit", Message: "container pcp got a cpu limit."}},
		},
		"not-designated": {
			Reason:  mutate.ReasonNotDesignated,
			Message: "the target is Deployment monitoring/node-monitor",
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

// TestEncodePatch: the library reads what the hand-written encoder writes.
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

// TestSamePatchIsEncodedOnce: only pods of one template share the bytes of their patch.
func TestSamePatchIsEncodedOnce(t *testing.T) {
	t.Parallel()
	patch := func(values ...any) []jsonpatch.Operation {
		operations := make([]jsonpatch.Operation, 0, len(values))
		for _, value := range values {
			operations = append(operations, jsonpatch.NewOperation("add", "/a", value))
		}
		return operations
	}
	var encoder patchEncoder
	patches := [][]jsonpatch.Operation{
		patch("a", json.RawMessage(`{"a":1}`), true, []any{json.RawMessage("1")}),
		patch("b", json.RawMessage(`{"a":1}`), true, []any{json.RawMessage("1")}),
		patch("a", json.RawMessage(`{"a":2}`), true, []any{json.RawMessage("1")}),
		patch("a", json.RawMessage(`{"a":1}`), false, []any{json.RawMessage("1")}),
		patch("a", json.RawMessage(`{"a":1}`), true, []any{json.RawMessage("2")}),
		patch("a", `{"a":1}`, true, []any{json.RawMessage("1")}),
		patch(json.RawMessage(`"a"`), json.RawMessage(`{"a":1}`), true, []any{json.RawMessage("1")}),
		patch("a"),
		{jsonpatch.NewOperation("replace", "/a", "a")},
		{jsonpatch.NewOperation("add", "/b", "a")},
	}
	for _, operations := range patches {
		encoded, err := encoder.encode(operations)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := encodePatch(operations)
		if err != nil {
			t.Fatal(err)
		}
		if want := base64.StdEncoding.EncodeToString(plain); string(encoded) != want {
			t.Errorf("%s is encoded as %s, want %s", plain, encoded, want)
		}
		again, err := encoder.encode(slices.Clone(operations))
		if err != nil || &again[0] != &encoded[0] {
			t.Errorf("%s is encoded twice, or fails: %v", plain, err)
		}
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
	long := mutate.Warning{Code: "Long", Message: strings.Repeat("ä", mutate.MaxWarning)}
	text := warnings([]mutate.Warning{long})[0]
	if len(text) > mutate.MaxWarning || len(text) < mutate.MaxWarning-4 || !utf8.ValidString(text) || !strings.HasSuffix(text, "…") {
		t.Errorf("warning is %q of %d bytes", text, len(text))
	}
	if text := clip("short", mutate.MaxWarning); text != "short" {
		t.Errorf("text is %q, want it as it was", text)
	}
}

// TestAppendAnswer: the hand-written encoder writes what json.Marshal writes, for every field of an answer.
func TestAppendAnswer(t *testing.T) {
	t.Parallel()
	full := &admissionv1.AdmissionResponse{
		UID:              "u-\"1\"",
		Allowed:          true,
		Result:           status(http.StatusBadRequest, metav1.StatusReasonBadRequest, "<no> \u2028"),
		Patch:            []byte(`[{"op":"add"}]`),
		PatchType:        new(admissionv1.PatchTypeJSONPatch),
		AuditAnnotations: map[string]string{"reason": "Injected", "config": "0123"},
		Warnings:         []string{"first", "second & last"},
	}
	for _, response := range []*admissionv1.AdmissionResponse{full, {UID: "u-1"}, {UID: "u-1", Warnings: full.Warnings}} {
		answer, err := appendAnswer(nil, response, base64.StdEncoding.AppendEncode(nil, response.Patch))
		if err != nil {
			t.Fatal(err)
		}
		reference, err := json.Marshal(&admissionv1.AdmissionReview{
			TypeMeta: metav1.TypeMeta{APIVersion: reviewAPIVersion, Kind: reviewKind},
			Response: response,
		})
		if err != nil {
			t.Fatal(err)
		}
		var got, want any
		if err := errors.Join(json.Unmarshal(answer, &got), json.Unmarshal(reference, &want)); err != nil {
			t.Fatalf("%v in %s", err, answer)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("answer is\n%s, want the equal of what json.Marshal writes:\n%s", answer, reference)
		}
	}
	for n := range reflect.ValueOf(full).Elem().NumField() {
		if reflect.ValueOf(full).Elem().Field(n).IsZero() {
			t.Errorf("this test leaves out %s", reflect.TypeFor[admissionv1.AdmissionResponse]().Field(n).Name)
		}
	}
}
