package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// logLines are the lines of a JSON log.
func logLines(t *testing.T, log *bytes.Buffer) []map[string]any {
	t.Helper()
	var lines []map[string]any
	for text := range strings.Lines(log.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		lines = append(lines, line)
	}
	return lines
}

// TestDecisionIsLogged: each request has one line, with everything that identifies the pod.
func TestDecisionIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := newTestHandler(t)
	h.logger = slog.New(slog.NewJSONHandler(&log, nil))
	post(h, reviewOf(t, "5KB"))
	lines := logLines(t, &log)
	if len(lines) != 1 {
		t.Fatalf("%d lines are logged, want 1: %s", len(lines), log.String())
	}
	for key, want := range map[string]any{
		"level": "INFO", "msg": "admission", "result": "injected", "reason": "Injected", "namespace": "monitoring",
		"uid": "0df28fbd-5f5f-11e8-bc74-36e6bb280816", "generateName": "node-monitor-7d4b9c6f5d-",
		"owner": "ReplicaSet/node-monitor-7d4b9c6f5d", "dryRun": false,
	} {
		if lines[0][key] != want {
			t.Errorf("%s is %v, want %v", key, lines[0][key], want)
		}
	}
	if seconds, ok := lines[0]["seconds"].(float64); !ok || seconds <= 0 {
		t.Errorf("seconds is %v", lines[0]["seconds"])
	}
}

// TestLevels: pods to which nothing happened do not fill the ordinary log.
func TestLevels(t *testing.T) {
	t.Parallel()
	want := map[mutate.Reason]string{
		mutate.ReasonNotRequested: "DEBUG", mutate.ReasonAlreadyInjected: "DEBUG", mutate.ReasonInvalidRequest: "INFO",
		mutate.ReasonNotDesignated: "INFO", mutate.ReasonUntrustedCreator: "INFO", mutate.ReasonIncompatible: "INFO",
		mutate.ReasonInjected: "INFO",
	}
	for _, reason := range mutate.Reasons {
		var log bytes.Buffer
		h := stubHandler(func(mutate.Request) mutate.Decision { return mutate.Decision{Reason: reason} }, &log)
		post(h, []byte(goodReview))
		if line := logLines(t, &log)[0]; line["level"] != want[reason] || line["reason"] != string(reason) {
			t.Errorf("%s is logged as %v, want level %s", reason, line, want[reason])
		}
	}
}

// TestNoSecretsInLog: nothing that a pod's author wrote as a value gets into the log, at any level and for any result.
func TestNoSecretsInLog(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t"
	good := string(reviewOf(t, "5KB"))
	if !strings.Contains(good, "secret-value-of-the-environment") {
		t.Fatal("the pod of 5 KB has no secret in its environment")
	}
	with := func(old, replacement string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the pod of 5 KB has no %s", old)
		}
		return strings.Replace(strings.ReplaceAll(good, "secret-value-of-the-environment", secret), old, replacement, 1)
	}
	tests := map[string]string{
		"injected":        with(`"env":`, `"env":`),
		"untouched":       with(`"pcp.io/inject":"true"`, `"token":"`+secret+`"`),
		"bad request":     with(`"pcp.io/inject":"true"`, `"pcp.io/inject":"`+secret+`"`),
		"not the target":  with(`"generateName":`, `"labels":null,"generateName":`),
		"bad sources":     with(`"pcp.io/inject":"true"`, `"pcp.io/inject":"true","openmetrics.pcp.io/app":"`+secret+`\nHEADER: Authorization: `+secret+`"`),
		"bad services":    with(`"pcp.io/inject":"true"`, `"pcp.io/inject":"true","pcp.io/services":"`+secret+`"`),
		"mistyped":        with(`"pcp.io/inject":"true"`, `"pcp.io/inject":"true","token":["`+secret+`"]`),
		"mistyped number": with(`"terminationGracePeriodSeconds":30`, `"terminationGracePeriodSeconds":30.5`),
		"truncated":       good[:len(good)/2],
		"other operation": with("CREATE", "DELETE"),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			h := newTestHandler(t)
			h.logger = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			post(h, []byte(body))
			if log.Len() == 0 {
				t.Error("nothing is logged")
			}
			for _, leak := range []string{secret, "30.5", "secret-value", "Authorization", "API_TOKEN"} {
				if strings.Contains(log.String(), leak) {
					t.Errorf("%q is in the log: %s", leak, log.String())
				}
			}
		})
	}
}

// TestOutputIsBounded: names are not yet validated when a webhook sees them, so they may have any size and content.
func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	long := strings.Repeat("x", 100<<10)
	h := stubHandler(func(mutate.Request) mutate.Decision {
		decision := mutate.Decision{Reason: mutate.ReasonIncompatible}
		for range 2 * maxLoggedProblems {
			decision.Problems = append(decision.Problems, field.Forbidden(field.NewPath("metadata", "annotations").Key(long), "no"))
		}
		return decision
	}, &log)
	response := decodeResponse(t, post(h, []byte(edit("{}", `{"metadata":{"name":"`+long+`\nforged line"}}`))))
	if len(response.Result.Message) > maxMessage {
		t.Errorf("the message has %d bytes, want at most %d", len(response.Result.Message), maxMessage)
	}
	if log.Len() > 8<<10 || len(logLines(t, &log)) != 1 {
		t.Errorf("%d bytes in %d lines are logged", log.Len(), len(logLines(t, &log)))
	}
}

// TestErrorsAreBounded: requests that create no pod may also have any size.
func TestErrorsAreBounded(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1<<20)
	for name, body := range map[string]string{
		"operation":  `{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u","kind":{"version":"v1","kind":"Pod"},"operation":"` + long + `"}}`,
		"apiVersion": `{"apiVersion":"` + long + `","kind":"AdmissionReview"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			answer := post(stubHandler(nil, &log), []byte(body))
			if answer.Body.Len() > 2*maxMessage || log.Len() > 2*maxMessage {
				t.Errorf("the answer has %d bytes, the log %d", answer.Body.Len(), log.Len())
			}
		})
	}
}
