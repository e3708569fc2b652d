package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// TestWatchList: a pod is listed through several rounds. What comes back the same is not shown again, nor are the archives' sizes,
// which grow all the time. Each round's list is decoded anew in the cluster, so its times are the same, but not deeply equal.
func TestWatchList(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		round := 0
		read := func() ([]podStatus, error) {
			round++
			list := slices.Clone(statuses[:1])
			list[0].Created = noon.In(time.FixedZone("", 0)).UTC()
			list[0].Archives = &archives{Files: 42, Bytes: int64(round)}
			if round >= 3 {
				list[0].Ready = false
			}
			if round == 4 {
				interrupt()
			}
			return list, nil
		}
		var shown []int
		show := func(_ []podStatus, again bool) error {
			if again != (len(shown) > 0) {
				t.Errorf("round %d: again is %t", round, again)
			}
			shown = append(shown, round)
			return nil
		}
		if err := (&watcher{read, show, nil}).watch(ctx); err != nil {
			t.Fatal(err)
		}
		if want := []int{1, 3}; !slices.Equal(shown, want) || round != 4 {
			t.Errorf("shown in rounds %v of %d, want %v of 4", shown, round, want)
		}
	})
}

// TestWatchListLost: when the cluster goes away, the list says so once, waits, says that the cluster is back, and goes on.
func TestWatchListLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, interrupt := context.WithCancel(t.Context())
		rounds := []error{
			nil, errRefused, apierrors.NewServiceUnavailable("starting"), errRefused, nil,
			fmt.Errorf("failed to read: %w", io.ErrUnexpectedEOF), nil, nil,
		}
		round := 0
		read := func() ([]podStatus, error) {
			round++
			if round == len(rounds) {
				interrupt()
			}
			list := slices.Clone(statuses[:1])
			list[0].Ready = round < 7
			return list, rounds[round-1]
		}
		var said []string
		show := func(list []podStatus, _ bool) error {
			said = append(said, fmt.Sprintf("ready: %t", list[0].Ready))
			return nil
		}
		say := func(line string) { said = append(said, line) }
		if err := (&watcher{read, show, say}).watch(ctx); err != nil {
			t.Fatal(err)
		}
		want := []string{
			"ready: true", "The cluster at https://a:6443 cannot be reached: connection refused; trying again, until Ctrl-C", "The cluster answers again",
			"Failed to read: unexpected EOF; trying again, until Ctrl-C", "The cluster answers again", "ready: false",
		}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("said (-want +got):\n%s", diff)
		}
	})
}

var errRefused = &url.Error{Op: "Get", URL: "https://a:6443/api", Err: errors.New("connection refused")}

// TestWatchListEnds: the list ends with an error that does not pass, and if the cluster has never answered.
func TestWatchListEnds(t *testing.T) {
	t.Parallel()
	for name, rounds := range map[string][]error{
		"never there": {errRefused},
		"right taken": {nil, errRefused, apierrors.NewForbidden(schema.GroupResource{Resource: "pods"}, "", errors.New("no"))},
		"log-in over": {nil, apierrors.NewUnauthorized("expired")},
		"uninstalled": {nil, errors.New("no MutatingWebhookConfiguration calls pcp-injector")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				round := 0
				read := func() ([]podStatus, error) { round++; return statuses[:1], rounds[round-1] }
				err := (&watcher{read, func([]podStatus, bool) error { return nil }, func(string) {}}).watch(t.Context())
				if want := rounds[len(rounds)-1]; !errors.Is(err, want) || round != len(rounds) {
					t.Errorf("ended in round %d of %d with %v, want %v", round, len(rounds), err, want)
				}
			})
		})
	}
}
