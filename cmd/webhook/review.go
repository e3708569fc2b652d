package main

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const (
	reviewAPIVersion = "admission.k8s.io/v1"
	reviewKind       = "AdmissionReview"
	// maxUID is far more than a UID needs. It is limited because the answer repeats it.
	maxUID = 256
)

// review is the small view of an admission.k8s.io/v1 AdmissionReview that an answer needs.
// https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#request
type review struct {
	APIVersion string
	Kind       string
	Request    *request
}

// request is one question of the API server.
type request struct {
	UID         string
	Kind        kind
	SubResource string
	Namespace   string
	Operation   string
	UserInfo    user
	Object      *mutate.Pod
	DryRun      bool
}

type kind struct {
	Group   string
	Version string
	Kind    string
}

type user struct {
	Username string
}

func (k kind) String() string {
	return strings.TrimPrefix(k.Group+"/"+k.Version+" "+k.Kind, "/")
}

// decodeReview reads an AdmissionReview and the view of its pod in one pass. If a request comes with an error, it can still be answered;
// without a request, there is no AdmissionReview to answer.
func decodeReview(body *bytes.Buffer) (*request, error) {
	var v review
	broken, fault := read(body, v.read)
	err := broken
	if err == nil {
		if err = v.checkEnvelope(); err != nil && fault != nil {
			err = fault
		}
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("body is not an AdmissionReview: %w", err)
	case fault != nil:
		return v.Request, fault
	default:
		return v.Request, v.Request.check()
	}
}

func (v *review) read(r *reader) {
	r.object(func(name []byte) {
		switch string(name) {
		case "apiVersion":
			r.text(&v.APIVersion)
		case "kind":
			r.text(&v.Kind)
		case "request":
			optional(r, &v.Request, readRequest)
		default:
			r.skip()
		}
	})
}

func readRequest(r *reader, req *request) {
	r.object(func(name []byte) {
		switch string(name) {
		case "uid":
			r.text(&req.UID)
		case "kind":
			readKind(r, &req.Kind)
		case "subResource":
			r.text(&req.SubResource)
		case "namespace":
			r.text(&req.Namespace)
		case "operation":
			r.text(&req.Operation)
		case "userInfo":
			readUser(r, &req.UserInfo)
		case "object":
			optional(r, &req.Object, readPod)
		case "dryRun":
			r.boolean(&req.DryRun)
		default:
			r.skip()
		}
	})
}

func readKind(r *reader, k *kind) {
	r.object(func(name []byte) {
		switch string(name) {
		case "group":
			r.text(&k.Group)
		case "version":
			r.text(&k.Version)
		case "kind":
			r.text(&k.Kind)
		default:
			r.skip()
		}
	})
}

func readUser(r *reader, u *user) {
	r.object(func(name []byte) {
		if string(name) == "username" {
			r.text(&u.Username)
		} else {
			r.skip()
		}
	})
}

// checkEnvelope checks that there is a request whose answer the API server would understand.
func (v *review) checkEnvelope() error {
	switch {
	case v.APIVersion != reviewAPIVersion || v.Kind != reviewKind:
		return fmt.Errorf("found apiVersion %s and kind %s, must be %q and %q", quoted(v.APIVersion), quoted(v.Kind), reviewAPIVersion, reviewKind)
	case v.Request == nil:
		return errors.New("request is required")
	case v.Request.UID == "":
		return errors.New("request.uid is required")
	case len(v.Request.UID) > maxUID:
		return fmt.Errorf("request.uid has %d bytes: must have at most %d", len(v.Request.UID), maxUID)
	default:
		return nil
	}
}

// check checks that the request is one that the webhook is for. Any other is denied, not allowed, because it shows a webhook configuration
// with rules that the injector was not made for.
func (r *request) check() error {
	switch {
	case r.Kind != kind{Version: "v1", Kind: "Pod"}:
		return fmt.Errorf("request.kind is %s: must be \"v1 Pod\"; %s", quoted(r.Kind.String()), rulesRemedy)
	case r.SubResource != "":
		return fmt.Errorf("request.subResource is %s: must be empty; %s", quoted(r.SubResource), rulesRemedy)
	case r.Operation != "CREATE":
		return fmt.Errorf("request.operation is %s: must be \"CREATE\"; %s", quoted(r.Operation), rulesRemedy)
	case r.Object == nil:
		return errors.New("request.object is null: must be the pod")
	default:
		return nil
	}
}

// quoted repeats a value of any length, truncated.
func quoted(value string) string { return strconv.Quote(clip(value, maxLoggedText)) }

const rulesRemedy = "correct the rules of the MutatingWebhookConfiguration"
