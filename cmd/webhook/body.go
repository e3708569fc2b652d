package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"sync"
	"time"
)

const (
	// maxBody is controller-runtime's limit: two objects of 3 MB, the largest that an API server accepts, and 1 MB for the rest.
	maxBody = 7 << 20
	// ordinaryBody is a size that few bodies exceed. Every connection may hold one of these; longer bodies take turns.
	ordinaryBody = 64 << 10
	// largeBodyTime is how long a client may take to send a longer body once it is its turn.
	largeBodyTime = 3 * time.Second

	mediaType = "application/json"
)

// httpError answers a request that contains no AdmissionReview.
type httpError struct {
	status  int
	message string
}

func (e *httpError) Error() string { return e.message }

var errTooLarge = &httpError{
	http.StatusRequestEntityTooLarge, fmt.Sprintf("body is too large: must be at most %d bytes", maxBody),
}

// buffers hold a body and then its answer, which were a third of all memory that an admission took. What is decoded from a body does not
// point into its buffer, because the reader copies strings.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func borrow() *bytes.Buffer {
	buffer, _ := buffers.Get().(*bytes.Buffer)
	return buffer
}

func recycle(buffer *bytes.Buffer) {
	if buffer.Cap() <= 2*ordinaryBody {
		buffer.Reset()
		buffers.Put(buffer)
	}
}

// intake limits how much of what clients send is in memory at once, beyond an ordinary body for each connection.
type intake struct {
	// large bodies take turns.
	large slots
	// decoding limits how many reviews are decoded and decided at the same time.
	decoding slots
}

func newIntake() *intake {
	return &intake{large: newSlots(1, 16), decoding: newSlots(2, maxConnections)}
}

// read reads the whole body, within limits. It reports whether it has taken the turn of large bodies, even with an error.
func (i *intake) read(ctx context.Context, w http.ResponseWriter, r *http.Request, body *bytes.Buffer) (large bool, err error) {
	if err := checkContentType(r.Header.Get("Content-Type")); err != nil {
		return false, err
	}
	// Thousands of headers must not stay in memory while a slow body arrives.
	r.Header = nil
	if r.ContentLength > maxBody {
		return false, errTooLarge
	}
	if large, err = i.readAll(ctx, w, r, body); err != nil {
		return large, err
	}
	if body.Len() == 0 {
		return large, &httpError{http.StatusBadRequest, "body is empty: must be an AdmissionReview"}
	}
	return large, nil
}

func (i *intake) readAll(ctx context.Context, w http.ResponseWriter, r *http.Request, body *bytes.Buffer) (large bool, err error) {
	limited := http.MaxBytesReader(w, r.Body, maxBody)
	if r.ContentLength >= 0 && r.ContentLength <= ordinaryBody {
		body.Grow(int(r.ContentLength) + bytes.MinRead)
		return false, fill(body, limited)
	}
	length := r.ContentLength
	if length < 0 {
		if err := fill(body, io.LimitReader(limited, ordinaryBody+1)); err != nil || body.Len() <= ordinaryBody {
			return false, err
		}
		length = maxBody
	}
	if err := i.large.take(ctx); err != nil {
		return false, err
	}
	until := time.Now().Add(largeBodyTime)
	if deadline, _ := ctx.Deadline(); deadline.Before(until) {
		until = deadline
	}
	// An error means that the writer is no connection, and so has no client that makes it wait.
	_ = http.NewResponseController(w).SetReadDeadline(until)
	// In one step, because a buffer that doubles takes three times the memory.
	body.Grow(int(length) - body.Len() + bytes.MinRead)
	return true, fill(body, limited)
}

func fill(body *bytes.Buffer, from io.Reader) error {
	if _, err := body.ReadFrom(from); err != nil {
		return unread(err)
	}
	return nil
}

func unread(err error) error {
	var tooLarge *http.MaxBytesError
	var refusal *httpError
	switch {
	case errors.As(err, &refusal):
		return refusal
	case errors.As(err, &tooLarge):
		return errTooLarge
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &httpError{http.StatusRequestTimeout, "body did not arrive in time"}
	default:
		return &httpError{http.StatusBadRequest, "failed to read the body: " + err.Error()}
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
