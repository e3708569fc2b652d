package main

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"
)

// maxWait is how long a request waits for a slot. Together with the second after which the API server tries again, it fits into the chart's
// timeout of 5 seconds. A request never waits beyond its own answerTime.
const maxWait = 2 * time.Second

// errOverloaded rejects a request. Because of the header Retry-After, API servers try again before they give up.
// https://github.com/kubernetes/client-go/blob/v0.37.2/rest/with_retry.go
var errOverloaded = &httpError{http.StatusTooManyRequests, "too many requests at the same time: try again"}

// slots are places for work that takes memory. Requests that find none free wait in order, but only for a limited time and in a limited
// number.
type slots struct {
	taken   chan struct{}
	waiting *atomic.Int32
	line    int32
}

func newSlots(count int, line int32) slots {
	return slots{taken: make(chan struct{}, count), waiting: new(atomic.Int32), line: line}
}

func (s slots) take(ctx context.Context) error {
	select {
	case s.taken <- struct{}{}:
		return nil
	default:
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > s.line {
		return errOverloaded
	}
	timer := time.NewTimer(maxWait)
	defer timer.Stop()
	select {
	case s.taken <- struct{}{}:
		return nil
	case <-timer.C:
	case <-ctx.Done():
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return errLate
		}
	}
	return errOverloaded
}

func (s slots) free() { <-s.taken }
