//go:build linux

package supervisor

import "time"

// Pauses before a service is started again: none after an end that was meant, such as that of a pmlogger whose archive is full, and longer and
// longer ones for a service that keeps failing.
const (
	firstPause = time.Second
	maxPause   = 30 * time.Second
	// steady is how long a service runs if whatever made it fail is over.
	steady = time.Minute
	// atLeast is how long a service runs that ends because it has done something.
	atLeast = 2 * time.Second
)

// restarts decides how long a service is left alone.
type restarts struct {
	failures int
}

// next is the pause after a run, which was a failure or not.
func (r *restarts) next(ran time.Duration, failed bool) time.Duration {
	if ran >= steady {
		r.failures = 0
	}
	if !failed && ran >= atLeast {
		return 0
	}
	pause := firstPause << min(r.failures, 10)
	r.failures++
	return min(pause, maxPause)
}
