package main

import (
	"bytes"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgress: a quick verb prints nothing, and a slow one leaves an empty line.
func TestProgress(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		takes time.Duration
		want  string
	}{
		{"quick", progressDelay / 2, ""},
		{"slow", 2 * progressDelay, "Waiting …\r         \r"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var out bytes.Buffer
				done := showProgress(&out, "Waiting")
				<-time.After(test.takes)
				done()
				done()
				<-time.After(2 * progressDelay)
				if got := out.String(); got != test.want {
					t.Errorf("got %q, want %q", got, test.want)
				}
			})
		})
	}
}

// TestNoProgress: a file or a pipe is no terminal.
func TestNoProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		v := &clusterVerb{}
		v.streams.ErrOut = &out
		done := v.progress("Waiting")
		<-time.After(2 * progressDelay)
		done()
		if out.Len() > 0 {
			t.Errorf("got %q", out.String())
		}
	})
}
