package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	admissionv1 "k8s.io/api/admission/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// outcome is the result of one HTTP request: its answer, its metrics and its log line.
type outcome struct {
	// request is nil if none could be read.
	request *request
	result  string
	reason  string
	level   slog.Level
	details []slog.Attr
	// response is nil if there is no AdmissionReview to answer; the answer is then the refusal.
	response *admissionv1.AdmissionResponse
	// patch of the response, encoded in base64.
	patch   []byte
	refusal *httpError
}

// unreadable refuses what is not an AdmissionReview.
func unreadable(err error) *outcome {
	message := clip(err.Error(), maxMessage)
	reason := reasonUnreadable
	if errors.Is(err, errOverloaded) {
		reason = reasonOverloaded
	}
	o := failure(nil, reason, slog.LevelWarn, loggedError(message))
	if refusal, ok := errors.AsType[*httpError](err); ok {
		o.refusal = refusal
	} else {
		o.refusal = &httpError{http.StatusBadRequest, message}
	}
	return o
}

// unexpected denies what is not the creation of a pod.
func unexpected(req *request, err error) *outcome {
	message := clip(err.Error(), maxMessage)
	o := failure(req, reasonUnexpected, slog.LevelWarn, loggedError(message))
	o.response = denied(req, status(http.StatusBadRequest, metav1.StatusReasonBadRequest, "pcp-injector: "+message))
	return o
}

// failed denies a request if the injector itself is at fault.
func failed(req *request, details ...slog.Attr) *outcome {
	const message = "pcp-injector failed: its log has the cause with the uid of this request"
	o := failure(req, reasonInternal, slog.LevelError, details...)
	if req == nil {
		o.refusal = &httpError{http.StatusInternalServerError, message}
	} else {
		o.response = denied(req, status(http.StatusInternalServerError, metav1.StatusReasonInternalError, message))
	}
	return o
}

// panicked must be called while the panic is being recovered, because the stack is still the one that led to it.
func panicked(req *request, cause any) *outcome {
	return failed(req, slog.String("panic", fmt.Sprint(cause)), slog.String("stack", string(debug.Stack())))
}

func failure(req *request, reason string, level slog.Level, details ...slog.Attr) *outcome {
	return &outcome{request: req, result: resultError, reason: reason, level: level, details: details}
}

func (o *outcome) write(w http.ResponseWriter) error {
	if o.response == nil {
		if o.refusal.status == http.StatusTooManyRequests {
			w.Header().Set("Retry-After", "1")
		}
		http.Error(w, o.refusal.message, o.refusal.status)
		return nil
	}
	w.Header().Set("Content-Type", mediaType)
	buffer := borrow()
	defer recycle(buffer)
	buffer.Grow(1024 + len(o.patch))
	answer, err := appendAnswer(buffer.AvailableBuffer(), o.response, o.patch)
	if err != nil {
		return err
	}
	if _, err := w.Write(answer); err != nil {
		return fmt.Errorf("failed to send the answer: %w", err)
	}
	return nil
}
