package main

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
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
		if err := watchList(ctx, watchPeriod, read, show); err != nil {
			t.Fatal(err)
		}
		if want := []int{1, 3}; !slices.Equal(shown, want) || round != 4 {
			t.Errorf("shown in rounds %v of %d, want %v of 4", shown, round, want)
		}
	})
}

// TestWatchListFails: the list ends when the cluster no longer answers.
func TestWatchListFails(t *testing.T) {
	t.Parallel()
	want := errors.New("connection refused")
	read := func() ([]podStatus, error) { return nil, want }
	if err := watchList(t.Context(), time.Hour, read, nil); !errors.Is(err, want) {
		t.Errorf("got %v, want %v", err, want)
	}
}
