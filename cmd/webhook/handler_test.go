package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// stub is a core with a given decision.
type stub func(mutate.Request) mutate.Decision

func (s stub) Decide(req mutate.Request) mutate.Decision { return s(req) }

// untouched is the core for requests that must not reach it, or that it allows.
func untouched(mutate.Request) mutate.Decision {
	return mutate.Decision{Reason: mutate.ReasonNotRequested}
}

func stubHandler(core stub, log io.Writer) *handler {
	return &handler{
		core:       core,
		configHash: "0123456789abcdef",
		intake:     newIntake(),
		metrics:    newMetrics("0123456789abcdef", func() time.Time { return time.Time{} }),
		logger:     slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
}

const goodReview = `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1",` +
	`"kind":{"group":"","version":"v1","kind":"Pod"},"namespace":"monitoring","operation":"CREATE","object":{}}}`

// edit replaces one part of the good review.
func edit(old, replacement string) string {
	if !strings.Contains(goodReview, old) {
		panic("the good review has no " + old)
	}
	return strings.Replace(goodReview, old, replacement, 1)
}

// TestUnreadable: a body that is no AdmissionReview gets an HTTP error in plain words.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body   string
		status int
		want   string
	}{
		"empty":              {"", http.StatusBadRequest, "body is empty: must be an AdmissionReview"},
		"no json":            {"pods, please", http.StatusBadRequest, "body is not an AdmissionReview: jsontext: invalid character 'p'"},
		"truncated":          {goodReview[:len(goodReview)-2], http.StatusBadRequest, "unexpected EOF"},
		"something after":    {goodReview + "{}", http.StatusBadRequest, "must be one value, found another after it"},
		"array":              {"[" + goodReview + "]", http.StatusBadRequest, `field "" has the wrong type array: must be an object`},
		"null":               {"null", http.StatusBadRequest, `found apiVersion "" and kind "", must be "admission.k8s.io/v1"`},
		"empty object":       {"{}", http.StatusBadRequest, `found apiVersion "" and kind ""`},
		"v1beta1":            {edit("admission.k8s.io/v1", "admission.k8s.io/v1beta1"), http.StatusBadRequest, `found apiVersion "admission.k8s.io/v1beta1"`},
		"other kind":         {edit("AdmissionReview", "ConversionReview"), http.StatusBadRequest, `kind "ConversionReview"`},
		"upper-case keys":    {edit(`"request"`, `"Request"`), http.StatusBadRequest, "request is required"},
		"no uid":             {edit(`"uid":"u-1",`, ""), http.StatusBadRequest, "request.uid is required"},
		"uid of wrong type":  {edit(`"u-1"`, "1"), http.StatusBadRequest, `field "request.uid" has the wrong type number: must be a string`},
		"deep nesting":       {strings.Repeat(`{"a":`, 20000) + "1" + strings.Repeat("}", 20000), http.StatusBadRequest, "exceeded max depth"},
		"10 MB":              {edit("{}", `{"a":"`+strings.Repeat("a", 10<<20)+`"}`), http.StatusRequestEntityTooLarge, "body is too large: must be at most 7340032 bytes"},
		"10 MB of no object": {strings.Repeat(" ", 10<<20), http.StatusRequestEntityTooLarge, "body is too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := stubHandler(untouched, io.Discard)
			recorder := post(h, []byte(test.body))
			if recorder.Code != test.status {
				t.Errorf("status is %d, want %d", recorder.Code, test.status)
			}
			if answer := recorder.Body.String(); !strings.Contains(answer, test.want) {
				t.Errorf("answer is %q, want %q in it", answer, test.want)
			}
			if got := testutil.ToFloat64(h.metrics.admissions.WithLabelValues(resultError, reasonUnreadable)); got != 1 {
				t.Errorf("counted %v times, want once", got)
			}
		})
	}
}

// TestUnexpected: an AdmissionReview that is not about the creation of a pod is denied.
func TestUnexpected(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ body, want string }{
		"other kind":         {edit(`"kind":"Pod"`, `"kind":"Binding"`), `request.kind is "v1 Binding": must be "v1 Pod"`},
		"other group":        {edit(`"group":""`, `"group":"example.com"`), `request.kind is "example.com/v1 Pod"`},
		"subresource":        {edit(`"namespace"`, `"subResource":"status","namespace"`), `request.subResource is "status": must be empty`},
		"update":             {edit("CREATE", "UPDATE"), `request.operation is "UPDATE": must be "CREATE"`},
		"null object":        {edit("{}", "null"), "request.object is null: must be the pod"},
		"no object":          {edit(`,"object":{}`, ""), "request.object is null"},
		"object is an array": {edit("{}", "[{}]"), `field "request.object" has the wrong type array: must be an object`},
		"mistyped boolean":   {edit("{}", `{"spec":{"hostPID":"yes"}}`), `field "request.object.spec.hostPID" has the wrong type string: must be a boolean`},
		"mistyped number":    {edit("{}", `{"spec":{"terminationGracePeriodSeconds":1e99}}`), `must be an integer of 64 bits`},
		"mistyped list":      {edit("{}", `{"spec":{"containers":{}}}`), `must be an array`},
		"mistyped annotation": {
			edit("{}", `{"metadata":{"annotations":{"pcp.io/inject":true}}}`), `has the wrong type boolean: must be a string`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := stubHandler(untouched, io.Discard)
			response := decodeResponse(t, post(h, []byte(test.body)))
			if response.Allowed || response.UID != "u-1" || response.Result.Code != http.StatusBadRequest {
				t.Errorf("response is %+v, want a denial of u-1 with code 400", response)
			}
			if !strings.Contains(response.Result.Message, test.want) {
				t.Errorf("message is %q, want %q in it", response.Result.Message, test.want)
			}
			if got := testutil.ToFloat64(h.metrics.admissions.WithLabelValues(resultError, reasonUnexpected)); got != 1 {
				t.Errorf("counted %v times, want once", got)
			}
		})
	}
}

// TestTolerated: these bodies are odd, but the API server reads them the same way.
func TestTolerated(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		body string
		want func(*mutate.Pod) bool
	}{
		"empty pod":      {goodReview, func(pod *mutate.Pod) bool { return len(pod.Spec.Containers) == 0 }},
		"duplicate keys": {edit("{}", `{"metadata":{"name":"a","name":"b"}}`), func(pod *mutate.Pod) bool { return pod.Metadata.Name == "b" }},
		"keys in another case": {
			edit("{}", `{"metadata":{"Name":"a"},"Spec":{"hostPID":true}}`),
			func(pod *mutate.Pod) bool { return pod.Metadata.Name == "" && !pod.Spec.HostPID },
		},
		"unknown fields": {edit("{}", `{"spec":{"fromTheFuture":{"hostPID":true}}}`), func(pod *mutate.Pod) bool { return !pod.Spec.HostPID }},
		"invalid UTF-8":  {edit("{}", "{\"metadata\":{\"name\":\"a\xff\"}}"), func(pod *mutate.Pod) bool { return pod.Metadata.Name == "a\ufffd" }},
		"deep object":    {edit("{}", strings.Repeat(`{"a":`, 5000)+"1"+strings.Repeat("}", 5000)), func(*mutate.Pod) bool { return true }},
		"dry run null":   {edit(`"namespace"`, `"dryRun":null,"namespace"`), func(*mutate.Pod) bool { return true }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var seen *mutate.Pod
			h := stubHandler(func(req mutate.Request) mutate.Decision { seen = req.Pod; return untouched(req) }, io.Discard)
			response := decodeResponse(t, post(h, []byte(test.body)))
			if !response.Allowed || len(response.Patch) > 0 || response.PatchType != nil {
				t.Errorf("response is %+v, want allowed and no patch", response)
			}
			if !test.want(seen) {
				t.Errorf("the core saw %+v", seen)
			}
		})
	}
}

func TestPanicIsDenied(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := stubHandler(func(mutate.Request) mutate.Decision { panic("boom") }, &log)
	response := decodeResponse(t, post(h, []byte(goodReview)))
	if response.Allowed || response.UID != "u-1" || response.Result.Reason != metav1.StatusReasonInternalError {
		t.Errorf("response is %+v, want a denial with an internal error", response)
	}
	for _, want := range []string{`"panic":"boom"`, `"uid":"u-1"`, `handler_test.go`, `"level":"ERROR"`} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("log is %s, want %s in it", log.String(), want)
		}
	}
	if got := testutil.ToFloat64(h.metrics.admissions.WithLabelValues(resultError, reasonInternal)); got != 1 {
		t.Errorf("counted %v times, want once", got)
	}
}

func TestContentType(t *testing.T) {
	t.Parallel()
	tests := map[string]int{
		"application/json":                http.StatusOK,
		"application/json; charset=utf-8": http.StatusOK,
		"Application/JSON":                http.StatusOK,
		"application/yaml":                http.StatusUnsupportedMediaType,
		"":                                http.StatusUnsupportedMediaType,
		";":                               http.StatusUnsupportedMediaType,
	}
	for contentType, want := range tests {
		t.Run(contentType, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mutate", strings.NewReader(goodReview))
			request.Header.Set("Content-Type", contentType)
			recorder := httptest.NewRecorder()
			stubHandler(untouched, io.Discard).ServeHTTP(recorder, request)
			if recorder.Code != want {
				t.Errorf("status is %d (%s), want %d", recorder.Code, recorder.Body, want)
			}
		})
	}
}

func decodeResponse(tb testing.TB, recorder *httptest.ResponseRecorder) *admissionv1.AdmissionResponse {
	tb.Helper()
	if recorder.Code != http.StatusOK {
		tb.Fatalf("status is %d: %s", recorder.Code, recorder.Body)
	}
	if got := recorder.Header().Get("Content-Type"); got != "application/json" {
		tb.Errorf("content type is %q", got)
	}
	var review admissionv1.AdmissionReview
	decoder := json.NewDecoder(recorder.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&review); err != nil {
		tb.Fatal(err)
	}
	if review.APIVersion != "admission.k8s.io/v1" || review.Kind != "AdmissionReview" || review.Response == nil {
		tb.Fatalf("answer is %+v, want an AdmissionReview v1 with a response", review)
	}
	return review.Response
}
