package archive_test

import (
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/performancecopilot/pcp-injector/archive"
)

const (
	disks    = archive.InstanceDomain(60<<22 | 1)
	kbytes   = 0x10010000 // space^1 in Kbyte
	millisec = 0x01002000
	count    = 0x00100000
	perSec   = 0x0f103000 // count / sec
)

func open(t *testing.T, files fs.FS, name string) *archive.Archive {
	t.Helper()
	a, err := archive.Open(files, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a
}

// lines are samples as text: the seconds after noon, and each value by metric and instance.
func lines(samples iter.Seq2[archive.Sample, error]) (out []string, err error) {
	for sample, err := range samples {
		if err != nil {
			return out, err
		}
		line := fmt.Sprintf("%g", sample.Time.Sub(noon).Seconds())
		if sample.Gap {
			line += " gap"
		}
		for _, set := range sample.Sets {
			if set.Err != nil {
				line += fmt.Sprintf(" %s: %v", set.Metric.Name, set.Err)
			}
			for _, value := range set.Values {
				line += fmt.Sprintf(" %s[%s]=%s", set.Metric.Name, value.Name, value)
			}
		}
		out = append(out, line)
	}
	return out, nil
}

func check(t *testing.T, samples iter.Seq2[archive.Sample, error], want ...string) {
	t.Helper()
	got, err := lines(samples)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func at(seconds float64) time.Time { return noon.Add(time.Duration(seconds * float64(time.Second))) }

func single(value any) map[int]any { return map[int]any{-1: value} }

func metrics(names ...string) archive.Query { return archive.Query{Metrics: names} }

func versions(t *testing.T, run func(t *testing.T, m *maker)) {
	t.Helper()
	for _, version := range []int{2, 3} {
		t.Run(fmt.Sprintf("version %d", version), func(t *testing.T) {
			t.Parallel()
			run(t, newMaker(version))
		})
	}
}

func TestTypes(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		sets := []made{
			{id: 1, kind: archive.Int32, values: single(-5)},
			{id: 2, kind: archive.Uint32, values: single(0xfffffffb)},
			{id: 3, kind: archive.Int64, values: single(-1 << 40)},
			{id: 4, kind: archive.Uint64, values: single(uint64(0xffffffffffffffff))},
			{id: 5, kind: archive.Float, values: single(1.5)},
			{id: 6, kind: archive.Double, values: single(-0.1)},
			{id: 7, kind: archive.String, values: single("hullo world!")},
			{id: 8, kind: archive.Aggregate, values: single([]byte{1, 2, 3})},
			{id: 9, kind: archive.Int32, status: -12351},
			{id: 10, kind: archive.Int32},
		}
		names := []string{}
		for _, set := range sets {
			names = append(names, fmt.Sprintf("m%d", set.id))
			m.metric(set.id, names[len(names)-1], set.kind, archive.Singular, archive.Instant, 0)
		}
		m.record(at(0.25), sets...)
		check(t, open(t, m.files("a"), "a").Samples(metrics(names...)), "0.25 m1[]=-5 m2[]=4294967291 m3[]=-1099511627776 m4[]=18446744073709551615"+
			" m5[]=1.5 m6[]=-0.1 m7[]=hullo world! m8[]=[3 bytes] m9: Missing metric value(s)")
	})
}

func TestDescriptions(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		m.metric(60<<22|5<<10|1, "disk.read", archive.Uint64, disks, archive.Counter, kbytes)
		m.metric(60<<22|5<<10|2, "disk.rate", archive.Float, archive.Singular, archive.Instant, perSec)
		m.help(60<<22|5<<10|1, 1|4, "Reads of a disk")
		m.help(60<<22|5<<10|1, 2|4, "How much was read.")
		m.instances(at(0), disks, map[int]string{0: "sda", 1: "sdb"})
		m.labels(at(0), 1, -1, -1, `{"hostname":"node-1","id":7}`)
		m.labels(at(0), 32, int(disks), 1, `{"vendor":"acme"}`)
		m.labels(at(10), 32, int(disks), 1, `{"vendor":"other"}`)
		a := open(t, m.files("a"), "a")
		if got := a.Label(); got.Host != "node-1" || got.Version != m.version || got.PID != 4711 || !got.Start.Equal(noon) || got.Timezone != "CET-1" {
			t.Errorf("the label is %+v", got)
		}
		all, err := a.Metrics("")
		if err != nil || len(all) != 2 || all[0].Name != "disk.rate" || all[0].Units.String() != "count / sec" {
			t.Fatalf("%v, %v", all, err)
		}
		disk := all[1]
		if disk.ID.String() != "60.5.1" || disk.Domain.String() != "60.1" || disk.Units.String() != "Kbyte" || disk.Type.String() != "64-bit unsigned int" {
			t.Errorf("%+v", disk)
		}
		if line, full := a.Help(disk); line != "Reads of a disk" || full != "How much was read." {
			t.Errorf("help is %q, %q", line, full)
		}
		want := map[string]string{"hostname": "node-1", "id": "7", "vendor": "acme"}
		if labels, err := a.Labels(disk, 1, at(9)); err != nil || !maps.Equal(labels, want) {
			t.Errorf("labels are %v, %v", labels, err)
		}
		if labels, _ := a.Labels(disk, 1, at(10)); labels["vendor"] != "other" {
			t.Errorf("labels are %v", labels)
		}
		if got := a.Instances(disk); !slices.Equal(got, []archive.Instance{{0, "sda"}, {1, "sdb"}}) {
			t.Errorf("instances are %v", got)
		}
	})
}

// TestInstances: a name is that of the time of the value, and an instance with another name is another one.
func TestInstances(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		m.metric(1, "read", archive.Uint32, disks, archive.Counter, count)
		m.instances(at(0), disks, map[int]string{0: "sda", 1: "sdb"})
		m.record(at(0), made{id: 1, kind: archive.Uint32, values: map[int]any{0: 10, 1: 10}})
		m.record(at(1), made{id: 1, kind: archive.Uint32, values: map[int]any{0: 11, 1: 12}})
		if m.version == 2 {
			m.instances(at(2), disks, map[int]string{0: "sda", 2: "sdc"})
		} else {
			m.instances(at(2), disks, map[int]string{2: "sdc"}, 1)
		}
		m.record(at(2), made{id: 1, kind: archive.Uint32, values: map[int]any{0: 14, 2: 5}})
		m.instances(at(3), disks, map[int]string{0: "sda", 1: "sdx", 2: "sdc"})
		m.record(at(3), made{id: 1, kind: archive.Uint32, values: map[int]any{0: 15, 1: 99, 2: 7}})
		m.instances(at(4), disks, map[int]string{0: "other", 1: "sdx", 2: "sdc"})
		m.record(at(4), made{id: 1, kind: archive.Uint32, values: map[int]any{0: 90, 1: 99, 2: 7}})
		a := open(t, m.files("a"), "a")
		check(t, a.Samples(metrics("read")), "0 read[sda]=10 read[sdb]=10", "1 read[sda]=11 read[sdb]=12", "2 read[sda]=14 read[sdc]=5",
			"3 read[sda]=15 read[sdx]=99 read[sdc]=7", "4 read[other]=90 read[sdx]=99 read[sdc]=7")
		check(t, archive.Rates(a.Samples(metrics("read"))), "0", "1 read[sda]=1 read[sdb]=2", "2 read[sda]=3",
			"3 read[sda]=1 read[sdc]=2", "4 read[sdx]=0 read[sdc]=0")
	})
}

// TestRates: where a counter began again or recording was interrupted, there is no rate. Time that was used has no unit.
func TestRates(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		m.metric(1, "cpu", archive.Uint64, archive.Singular, archive.Counter, millisec)
		m.metric(2, "load", archive.Double, archive.Singular, archive.Instant, 0)
		for second, value := range []int{1000, 1500, 3500, 200, 700} {
			m.record(at(2*float64(second)), made{id: 1, kind: archive.Uint64, values: single(value)}, made{id: 2, kind: archive.Double, values: single(2.5)})
		}
		m.mark(at(8.5))
		m.record(at(10), made{id: 1, kind: archive.Uint64, values: single(9000)})
		m.record(at(11), made{id: 2, kind: archive.Double, values: single(0.5)})
		m.record(at(12), made{id: 1, kind: archive.Uint64, values: single(10000)})
		a := open(t, m.files("a"), "a")
		check(t, archive.Rates(a.Samples(metrics("cpu", "load"))), "0 load[]=2.5", "2 cpu[]=0.25 load[]=2.5", "4 cpu[]=1 load[]=2.5", "6 load[]=2.5",
			"8 cpu[]=0.25 load[]=2.5", "8.5 gap", "10", "11 load[]=0.5", "12 cpu[]=0.5")
		if rate := a.Metric("cpu").Rate(); rate.Units.String() != "" || rate.Type != archive.Double {
			t.Errorf("the rate is %+v", rate)
		}
	})
}

func TestInterpolate(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		m.metric(1, "c", archive.Uint32, archive.Singular, archive.Counter, count)
		m.metric(2, "i", archive.Int32, archive.Singular, archive.Instant, 0)
		m.metric(3, "d", archive.Int32, archive.Singular, archive.Discrete, 0)
		m.metric(4, "s", archive.String, archive.Singular, archive.Discrete, 0)
		all := func(c, i, d int, s string) []made {
			return []made{
				{id: 1, kind: archive.Uint32, values: single(c)},
				{id: 2, kind: archive.Int32, values: single(i)},
				{id: 3, kind: archive.Int32, values: single(d)},
				{id: 4, kind: archive.String, values: single(s)},
			}
		}
		m.record(at(0), all(0, 1, 10, "a")...)
		m.record(at(4), all(400, 2, 20, "b")...)
		m.mark(at(5.5))
		m.record(at(6.5), all(1000, 3, 30, "c")...)
		m.record(at(9), all(1250, 4, 40, "d")...)
		a := open(t, m.files("a"), "a")
		check(t, a.Interpolate(metrics("c", "i", "d", "s"), time.Second),
			"0 c[]=0 i[]=1 d[]=10 s[]=a", "1 c[]=100 i[]=1 d[]=10 s[]=a", "2 c[]=200 i[]=1 d[]=10 s[]=a", "3 c[]=300 i[]=2 d[]=20 s[]=a",
			"4 c[]=400 i[]=2 d[]=20 s[]=b", "5 d[]=20 s[]=b", "6", "7 c[]=1050 i[]=3 d[]=30 s[]=c", "8 c[]=1150 i[]=4 d[]=40 s[]=c",
			"9 c[]=1250 i[]=4 d[]=40 s[]=d")
		// From a row with values straight to one with values, a counter has none: no rate may come of it.
		check(t, a.Interpolate(metrics("c"), 4*time.Second), "0 c[]=0", "4 c[]=400", "8")
		check(t, archive.Rates(a.Interpolate(metrics("c"), 2*time.Second)), "0", "2 c[]=100", "4 c[]=100", "6", "8")
		window := archive.Query{Metrics: []string{"c", "d"}, From: at(7), To: at(8)}
		check(t, a.Interpolate(window, 500*time.Millisecond), "7 c[]=1050 d[]=30", "7.5 c[]=1100 d[]=30", "8 c[]=1150 d[]=40")
	})
}

// TestLookBack: a value that was recorded long before the window counts, but not across an interruption.
func TestLookBack(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		m.metric(1, "once", archive.Int32, archive.Singular, archive.Discrete, 0)
		m.metric(2, "often", archive.Int32, archive.Singular, archive.Instant, 0)
		m.entry(at(0))
		m.record(at(0), made{id: 1, kind: archive.Int32, values: single(7)})
		for second := range 10 {
			m.record(at(float64(second)), made{id: 2, kind: archive.Int32, values: single(second)})
			m.entry(at(float64(second)))
			if second == 6 {
				m.mark(at(6.5))
			}
		}
		a := open(t, m.files("a"), "a")
		query := metrics("once", "often")
		query.From, query.To = at(4), at(5)
		check(t, a.Interpolate(query, time.Second), "4 once[]=7 often[]=4", "5 once[]=7 often[]=5")
		query.From, query.To = at(8), at(8)
		check(t, a.Interpolate(query, time.Second), "8 often[]=8")
	})
}

func TestUnknownMetric(t *testing.T) {
	t.Parallel()
	m := newMaker(3)
	m.metric(1, "kernel.all.load", archive.Float, archive.Singular, archive.Instant, 0)
	m.record(at(0))
	a := open(t, m.files("a"), "a")
	for name, want := range map[string]string{
		"kernel.all": "kernel.all is no metric, but 1 metrics have names that begin with it",
		"kernel.al":  "kernel.al is not in the archive",
	} {
		_, err := lines(a.Samples(metrics(name)))
		var unknown *archive.UnknownMetricError
		if !errors.As(err, &unknown) || err.Error() != want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSeveral: archives of one host are one, with a gap in between. Where they overlap, the first one counts.
func TestSeveral(t *testing.T) {
	t.Parallel()
	all := map[string][2]float64{"20261130.a": {0, 3}, "20261130.b": {10, 12}, "20261130.c": {11, 14}}
	joined := newMaker(3).files("x")
	clear(joined)
	for name, times := range all {
		m := newMakerAt(3, "node-1", at(times[0]))
		m.metric(1, "c", archive.Uint32, archive.Singular, archive.Counter, count)
		for second := times[0]; second < times[1]; second++ {
			m.record(at(second), made{id: 1, kind: archive.Uint32, values: single(int(10 * second))})
			m.entry(at(second))
		}
		maps.Copy(joined, m.files("logs/"+name))
	}
	files := fs.FS(joined)
	a := open(t, files, "logs")
	check(t, a.Samples(metrics("c")), "0 c[]=0", "1 c[]=10", "2 c[]=20", "2.001 gap", "10 c[]=100", "11 c[]=110", "11.001 gap", "12 c[]=120", "13 c[]=130")
	check(t, archive.Rates(a.Interpolate(metrics("c"), time.Second)), slices.Concat(
		[]string{"0", "1 c[]=10", "2 c[]=10"}, strings.Split("3,4,5,6,7,8,9,10", ","), []string{"11 c[]=10", "12", "13"})...)
	parts, err := a.Parts()
	if err != nil || len(parts) != 3 || !parts[0].End.Equal(at(2)) || parts[0].Name != "logs/20261130.a" {
		t.Errorf("%+v, %v", parts, err)
	}
	maps.Copy(joined, newMakerAt(2, "node-2", noon).files("logs/other"))
	var hosts *archive.HostsError
	if _, err := archive.Open(files, "logs"); !errors.As(err, &hosts) || !slices.Equal(hosts.Hosts, []string{"node-1", "node-2"}) {
		t.Errorf("archives of two hosts: %v", err)
	}
	for _, name := range []string{"logs/20261130.b", "logs/20261130.b.0", "logs/20261130.b.meta"} {
		check(t, open(t, files, name).Samples(metrics("c")), "10 c[]=100", "11 c[]=110")
	}
	if _, err := archive.Open(files, "logs/none"); !errors.Is(err, archive.ErrNone) {
		t.Errorf("no archive: %v", err)
	}
}

// TestTwoNames: a metric with two names can be asked for by both.
func TestTwoNames(t *testing.T) {
	t.Parallel()
	m := newMaker(3)
	m.metric(1, "one", archive.Int32, archive.Singular, archive.Instant, 0)
	m.metric(1, "other", archive.Int32, archive.Singular, archive.Instant, 0)
	m.record(at(0), made{id: 1, kind: archive.Int32, values: single(7)})
	check(t, open(t, m.files("a"), "a").Samples(metrics("one", "other")), "0 one[]=7 other[]=7")
}
