package main

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"sync"
	"time"
)

const (
	// maxBody is controller-runtime's bound: two objects of 3 MB, the largest that an API server accepts, and 1 MB for the rest.
	maxBody = 7 << 20
	// bodyTime is the longest timeout that an API server grants a webhook.
	bodyTime = 30 * time.Second
	// ordinaryBody is a size that few bodies exceed: neither does the mere announcement of a longer one take more memory, nor
	// is the buffer of a longer one kept.
	ordinaryBody = 64 << 10

	mediaType = "application/json"
)

// httpError is the answer to a request that holds no AdmissionReview.
type httpError struct {
	status  int
	message string
}

func (e *httpError) Error() string { return e.message }

// bodies are buffers to read into again: they were a third of all the memory that an admission took. What is decoded from
// one does not point into it, since the decoder copies strings.
var bodies = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func recycle(body *bytes.Buffer) {
	if body.Cap() <= 2*ordinaryBody {
		body.Reset()
		bodies.Put(body)
	}
}

// readBody reads the whole body, within bounds.
func readBody(w http.ResponseWriter, r *http.Request, body *bytes.Buffer) error {
	if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
		return err
	}
	body.Grow(int(min(max(r.ContentLength, 0), ordinaryBody)) + bytes.MinRead)
	_, err := body.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		message := fmt.Sprintf("body is too large: must be at most %d bytes", maxBody)
		return &httpError{http.StatusRequestEntityTooLarge, message}
	case err != nil:
		return &httpError{http.StatusBadRequest, "failed to read the body: " + err.Error()}
	case body.Len() == 0:
		return &httpError{http.StatusBadRequest, "body is empty: must be an AdmissionReview"}
	default:
		return nil
	}
}

func checkContentType(found string) error {
	if found == mediaType {
		return nil
	}
	if parsed, _, err := mime.ParseMediaType(found); err != nil || parsed != mediaType {
		message := fmt.Sprintf("content type is %q: must be %q", clip(found, maxLoggedText), mediaType)
		return &httpError{http.StatusUnsupportedMediaType, message}
	}
	return nil
}

// limitBodyTime bounds how long a client may take to send its body: controller-runtime's server bounds the headers only.
func limitBodyTime(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyTime)); err != nil {
			http.Error(w, "failed to limit the time to read the body: "+err.Error(), http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
}
