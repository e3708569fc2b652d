package main

import (
	"net/http"
	"unicode/utf8"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const (
	// maxMessage is more than anybody reads. A hostile pod can have problems without end, and the API server stores the message in events.
	maxMessage = 16 << 10
)

// decided is the answer for a decision, without its patch.
func decided(req *request, d *mutate.Decision, configHash string) *admissionv1.AdmissionResponse {
	response := &admissionv1.AdmissionResponse{UID: types.UID(req.UID), Allowed: d.Reason.Allowed()}
	// The first call has set them, and the API server logs a warning if the second call sets different ones.
	if d.Reason != mutate.ReasonAlreadyInjected {
		response.AuditAnnotations = map[string]string{"reason": string(d.Reason), "config": configHash}
	}
	if response.Allowed {
		response.Warnings = warnings(d.Warnings)
	} else {
		response.Result = invalid(d)
	}
	return response
}

// invalid rejects as 422 Invalid, because the pod is wrong, not its creator: a 403 sends people to look for missing permissions. It has no
// Details, because kubectl would then omit the message, which names this webhook.
func invalid(d *mutate.Decision) *metav1.Status {
	message := clip("pod cannot be injected with pcp: "+d.Explanation(), maxMessage)
	return status(http.StatusUnprocessableEntity, metav1.StatusReasonInvalid, message)
}

// denied answers a request about which nothing could be decided.
func denied(req *request, result *metav1.Status) *admissionv1.AdmissionResponse {
	return &admissionv1.AdmissionResponse{UID: types.UID(req.UID), Result: result}
}

func status(code int32, reason metav1.StatusReason, message string) *metav1.Status {
	return &metav1.Status{Status: metav1.StatusFailure, Code: code, Reason: reason, Message: message}
}

func warnings(list []mutate.Warning) []string {
	if len(list) == 0 {
		return nil
	}
	texts := make([]string, len(list))
	for n, warning := range list {
		texts[n] = clip(warning.String(), mutate.MaxWarning)
	}
	return texts
}

// clip shortens text to at most limit bytes, between two characters.
func clip(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const ellipsis = "…"
	end := limit - len(ellipsis)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + ellipsis
}
