package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	admissionv1 "k8s.io/api/admission/v1"

	"github.com/performancecopilot/pcp-injector/internal/quote"
)

// appendAnswer writes an AdmissionReview with the response and its patch, in base64, as JSON: what json.Marshal writes, in
// half the time.
func appendAnswer(to []byte, response *admissionv1.AdmissionResponse, patch []byte) ([]byte, error) {
	to = append(to, `{"kind":"`+reviewKind+`","apiVersion":"`+reviewAPIVersion+`","response":{"uid":`...)
	to = quote.Append(to, string(response.UID))
	to = strconv.AppendBool(append(to, `,"allowed":`...), response.Allowed)
	if response.Result != nil {
		status, err := json.Marshal(response.Result)
		if err != nil {
			return nil, fmt.Errorf("failed to encode the status: %w", err)
		}
		to = append(append(to, `,"status":`...), status...)
	}
	if len(patch) > 0 {
		to = append(append(to, `,"patch":"`...), patch...)
		to = quote.Append(append(to, `","patchType":`...), string(admissionv1.PatchTypeJSONPatch))
	}
	to = appendAuditAnnotations(to, response.AuditAnnotations)
	to = appendWarnings(to, response.Warnings)
	return append(to, '}', '}', '\n'), nil
}

func appendAuditAnnotations(to []byte, annotations map[string]string) []byte {
	if len(annotations) == 0 {
		return to
	}
	to = append(to, `,"auditAnnotations":{`...)
	keys := slices.AppendSeq(make([]string, 0, 4), maps.Keys(annotations))
	slices.Sort(keys)
	for n, key := range keys {
		if n > 0 {
			to = append(to, ',')
		}
		to = append(quote.Append(to, key), ':')
		to = quote.Append(to, annotations[key])
	}
	return append(to, '}')
}

func appendWarnings(to []byte, warnings []string) []byte {
	if len(warnings) == 0 {
		return to
	}
	to = append(to, `,"warnings":[`...)
	for n, warning := range warnings {
		if n > 0 {
			to = append(to, ',')
		}
		to = quote.Append(to, warning)
	}
	return append(to, ']')
}
