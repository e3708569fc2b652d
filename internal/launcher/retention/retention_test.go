package retention

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const mib = 1 << 20

var now = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// contents are archives of the given sizes in MiB, the last written now, and each other a day before.
func contents(free int64, sizes ...int64) *Contents {
	c := &Contents{Free: free * mib}
	for n, size := range sizes {
		written := now.AddDate(0, 0, -n)
		c.Archives = append(c.Archives, Archive{Path: written.Format("20060102"), Written: written, Bytes: size * mib})
	}
	return c
}

func removed(p Plan) []string {
	var paths []string
	for _, archive := range p.Remove {
		paths = append(paths, archive.Path)
	}
	return paths
}

func TestLimit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name        string
		limit       int64
		c           *Contents
		limitOf     int64
		partOf      int64
		watch, make []string
	}{
		{"there is room", 0, contents(1000, 10, 10), 816, 81, nil, nil},
		{"the limit is given", 100, contents(1000, 10, 20, 30), 100, 10, nil, nil},
		{"the oldest go", 100, contents(1000, 10, 50, 50), 100, 10, []string{"20261129"}, []string{"20261129"}},
		{"room for two parts", 100, contents(1000, 10, 40, 40), 100, 10, nil, []string{"20261129"}},
		{"never more than the file system has", 1000, contents(10, 10, 40, 40), 80, 8, []string{"20261129"}, []string{"20261129"}},
		{"the one that is written stays", 100, contents(1000, 500), 100, 10, nil, nil},
		{"a small limit", 5, contents(1000, 1, 1), 5, 1, nil, nil},
		{
			"whatever is older than one that is too big", 100, contents(1000, 10, 95, 1, 1), 100, 10,
			[]string{"20261130", "20261129", "20261128"},
			[]string{"20261130", "20261129", "20261128"},
		},
	} {
		p := Policy{Limit: test.limit * mib}
		if limit, part := p.LimitOf(test.c)/mib, p.PartOf(test.c)/mib; limit != test.limitOf || part != test.partOf {
			t.Errorf("%s: the limit is %d and a part %d, want %d and %d", test.name, limit, part, test.limitOf, test.partOf)
		}
		if diff := cmp.Diff(test.watch, removed(p.Watch(test.c, now))); diff != "" {
			t.Errorf("%s: other archives go (-want +got):\n%s", test.name, diff)
		}
		if diff := cmp.Diff(test.make, removed(p.MakeRoom(test.c, now))); diff != "" {
			t.Errorf("%s: other archives make room (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	p := Policy{Age: 48 * time.Hour}
	c := contents(1000, 1, 1, 1, 1)
	if diff := cmp.Diff([]string{"20261128"}, removed(p.Watch(c, now))); diff != "" {
		t.Errorf("other archives are too old (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"20261130", "20261129", "20261128"}, removed(p.Watch(c, now.AddDate(1, 0, 0)))); diff != "" {
		t.Errorf("after a year without pmlogger, its last archive goes too (-want +got):\n%s", diff)
	}
}

func TestRotate(t *testing.T) {
	t.Parallel()
	p := Policy{Limit: 100 * mib}
	for size, want := range map[int64]bool{1: false, 20: false, 21: true} {
		if got := p.Watch(contents(1000, size), now).Rotate; got != want {
			t.Errorf("an archive of %d MiB, with parts of 10: pmlogger starts another one: %t, want %t", size, got, want)
		}
	}
	if (Policy{}).Watch(&Contents{}, now).Rotate {
		t.Error("without an archive, pmlogger starts another one")
	}
}

func TestLogs(t *testing.T) {
	t.Parallel()
	c := contents(1000, 1)
	c.Others, c.Logs = 12*mib, []File{{"node/pmlogger.log", 11 * mib}, {"node/pmlogger.log.prev", mib}}
	if diff := cmp.Diff([]string{"node/pmlogger.log"}, (Policy{Limit: 100 * mib}).Watch(c, now).Empty); diff != "" {
		t.Errorf("other logs are emptied (-want +got):\n%s", diff)
	}
}

// TestReceived: what others push may go to the last, because the sender decides how much one archive has.
func TestReceived(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		c    *Contents
		want []string
	}{
		{contents(30, 10, 60), nil},
		{contents(10, 10, 70, 10), []string{"20261129"}},
		{contents(1, 99), []string{"20261201"}},
	} {
		if diff := cmp.Diff(test.want, removed(Received(test.c))); diff != "" {
			t.Errorf("of %v other archives go (-want +got):\n%s", test.c.Archives, diff)
		}
	}
}

func TestDaysThatFit(t *testing.T) {
	t.Parallel()
	p := Policy{Limit: 100 * mib}
	for want, c := range map[string]*Contents{
		"5.0": contents(1000, 20, 20, 50), "15.0": contents(1000, 5, 5, 10, 10), "unknown": contents(1000, 20),
		"0.0": {Free: 1 << 40, Others: 200 * mib, Archives: contents(0, 10, 10).Archives},
	} {
		got := "unknown"
		if days, known := p.DaysThatFit(c, now); known {
			got = fmt.Sprintf("%.1f", days)
		}
		if got != want {
			t.Errorf("of %v, %s days fit, want %s", c.Archives, got, want)
		}
	}
	if _, known := p.DaysThatFit(contents(1000, 1, 1), now.AddDate(0, 0, -1).Add(time.Minute)); known {
		t.Error("after a minute, the days are known")
	}
}
