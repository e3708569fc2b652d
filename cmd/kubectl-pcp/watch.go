package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// watchPeriod is how often the list is read again.
	watchPeriod = 5 * time.Second
	// retryPeriod is how often a cluster that does not answer is asked again.
	retryPeriod = time.Second
)

// watcher reads the list again and again, and shows it whenever more than sizes have changed.
type watcher struct {
	read func() ([]podStatus, error)
	show func(list []podStatus, again bool) error
	// say is for lines about the watching itself.
	say func(line string)
}

// watch ends with Ctrl-C, or with an error that does not pass. The first attempt ends with any error, because the command line may name the
// wrong cluster.
func (w *watcher) watch(ctx context.Context) error {
	var shown []byte
	lost := false
	for {
		list, err := w.read()
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // Ctrl-C is how it ends
		case err != nil && (shown == nil || !passes(err)):
			return err
		case err != nil && !lost:
			w.say(capitalized(noAnswer(err)) + "; trying again, until Ctrl-C")
		case err == nil && lost:
			w.say("The cluster answers again")
		}
		pause := watchPeriod
		if lost = err != nil; lost {
			pause = retryPeriod
		} else if shown, err = w.showChanged(list, shown); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
	}
}

// showChanged compares the JSON, because that is what is shown: equal times can differ internally.
func (w *watcher) showChanged(list []podStatus, shown []byte) ([]byte, error) {
	now, err := json.Marshal(withoutSizes(list))
	if err != nil {
		return nil, fmt.Errorf("failed to compare the lists: %w", err)
	}
	if bytes.Equal(now, shown) {
		return shown, nil
	}
	return now, w.show(list, shown != nil)
}

// withoutSizes is the list without the numbers that keep growing.
func withoutSizes(list []podStatus) []podStatus {
	list = slices.Clone(list)
	for n := range list {
		if list[n].Archives != nil {
			list[n].Archives = &archives{}
		}
	}
	return list
}

// passes reports whether an error may pass: the cluster does not answer, or its API server is in trouble.
func passes(err error) bool {
	var network net.Error
	var status apierrors.APIStatus
	if errors.As(err, &status) {
		code := status.Status().Code
		return code >= http.StatusInternalServerError || code == http.StatusTooManyRequests
	}
	return errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF)
}

func capitalized(sentence string) string { return strings.ToUpper(sentence[:1]) + sentence[1:] }
