package main

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const (
	reviewAPIVersion = "admission.k8s.io/v1"
	reviewKind       = "AdmissionReview"
	// maxUID is far more than a UID has: it is repeated in the answer.
	maxUID = 256
)

// review is the small view of an admission.k8s.io/v1 AdmissionReview that an answer needs.
// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
type review struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Request    *request `json:"request"`
}

// request is one question of the API server.
type request struct {
	UID         string      `json:"uid"`
	Kind        kind        `json:"kind"`
	SubResource string      `json:"subResource"`
	Namespace   string      `json:"namespace"`
	Operation   string      `json:"operation"`
	UserInfo    user        `json:"userInfo"`
	Object      *mutate.Pod `json:"object"`
	DryRun      bool        `json:"dryRun"`
}

type kind struct {
	Group   string `json:"group"`
	Version string `json:"version"`
	Kind    string `json:"kind"`
}

type user struct {
	Username string `json:"username"`
}

func (k kind) String() string {
	return strings.TrimPrefix(k.Group+"/"+k.Version+" "+k.Kind, "/")
}

// decodeReview reads an AdmissionReview and the view of its pod in one pass: keys are case-sensitive, and the last of
// duplicates counts, as with the API server's own decoder, which takes twice the time. A request comes back together with
// an error where it can still be answered by name; without one, there is no AdmissionReview to answer.
func decodeReview(body []byte) (*request, error) {
	options := ordinaryOptions
	if len(body) > ordinaryBody {
		options = largeOptions
	}
	var r review
	err := json.Unmarshal(body, &r, options)
	mistyped, ok := errors.AsType[*json.SemanticError](err)
	if err != nil && !ok {
		return nil, fmt.Errorf("body is not an AdmissionReview: %w", err)
	}
	if err := r.checkEnvelope(); err != nil {
		if mistyped != nil {
			err = mistypedField(mistyped)
		}
		return nil, fmt.Errorf("body is not an AdmissionReview: %w", err)
	}
	if mistyped != nil {
		return r.Request, mistypedField(mistyped)
	}
	return r.Request, r.Request.check()
}

// checkEnvelope finds out whether there is a question whose answer the API server would understand.
func (r *review) checkEnvelope() error {
	switch {
	case r.APIVersion != reviewAPIVersion || r.Kind != reviewKind:
		return fmt.Errorf("found apiVersion %s and kind %s, must be %q and %q", quote(r.APIVersion), quote(r.Kind), reviewAPIVersion, reviewKind)
	case r.Request == nil:
		return errors.New("request is required")
	case r.Request.UID == "":
		return errors.New("request.uid is required")
	case len(r.Request.UID) > maxUID:
		return fmt.Errorf("request.uid has %d bytes: must have at most %d", len(r.Request.UID), maxUID)
	default:
		return nil
	}
}

// check finds out whether the request is one that the webhook is for. A wrong one is denied, not waved through: it shows a
// webhook configuration with rules that the injector was not made for.
func (r *request) check() error {
	switch {
	case r.Kind != kind{Version: "v1", Kind: "Pod"}:
		return fmt.Errorf("request.kind is %s: must be \"v1 Pod\"; %s", quote(r.Kind.String()), rulesRemedy)
	case r.SubResource != "":
		return fmt.Errorf("request.subResource is %s: must be empty; %s", quote(r.SubResource), rulesRemedy)
	case r.Operation != "CREATE":
		return fmt.Errorf("request.operation is %s: must be \"CREATE\"; %s", quote(r.Operation), rulesRemedy)
	case r.Object == nil:
		return errors.New("request.object is null: must be the pod")
	default:
		return nil
	}
}

// quote repeats a value that may be of any length.
func quote(value string) string { return strconv.Quote(clip(value, maxLoggedText)) }

const rulesRemedy = "correct the rules of the MutatingWebhookConfiguration"

// mistypedField says in JSON's words which field has the wrong type, or how large it may be, and keeps the value to itself.
func mistypedField(err *json.SemanticError) error {
	field := strings.Join(slices.Collect(err.JSONPointer.Tokens()), ".")
	if bound, ok := errors.AsType[*boundError](err.Err); ok {
		return fmt.Errorf("field %s is too large: %w", quote(field), bound)
	}
	found := map[jsontext.Kind]string{'n': "null", 't': "boolean", 'f': "boolean", '"': "string", '0': "number", '{': "object", '[': "array"}[err.JSONKind]
	return fmt.Errorf("field %s has the wrong type %s: must be %s", quote(field), found, jsonType(err.GoType.Kind()))
}

func jsonType(kind reflect.Kind) string {
	switch kind {
	case reflect.Bool:
		return "a boolean"
	case reflect.Int64:
		return "an integer of 64 bits"
	case reflect.Slice:
		return "an array"
	case reflect.Struct, reflect.Map:
		return "an object"
	default:
		return "a " + kind.String()
	}
}
