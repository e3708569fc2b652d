package archive_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/performancecopilot/pcp-injector/archive"
)

// small is an archive with all kinds of records, in two volumes.
func small(version int) *maker {
	m := newMaker(version)
	m.metric(1, "c", archive.Uint32, disks, archive.Counter, count)
	m.metric(2, "s", archive.String, archive.Singular, archive.Discrete, 0)
	m.metric(3, "d", archive.Double, archive.Singular, archive.Instant, 0)
	m.metric(4, "e", archive.EventRecords, archive.Singular, archive.Instant, 0)
	m.help(1, 1|4, "Help")
	m.labels(noon, 1, -1, -1, `{"hostname":"node-1"}`)
	m.instances(noon, disks, map[int]string{0: "sda", 1: "sdb"})
	event := words(1, int(noon.Unix()), 5, 1, 1, 2, int(archive.String)<<24|7)
	for second := range 6 {
		if second == 3 {
			m.volume()
			m.instances(at(3), disks, map[int]string{0: "sda", 2: "sdc"})
		}
		m.entry(at(float64(second)))
		m.record(at(float64(second)),
			made{id: 1, kind: archive.Uint32, values: map[int]any{0: second, 1: 10 * second}}, made{id: 2, kind: archive.String, values: single("text")},
			made{id: 3, kind: archive.Double, values: single(0.5)}, made{id: 4, kind: archive.EventRecords, values: single(append(event, "abc"...))})
	}
	m.mark(at(6))
	return m
}

var everything = metrics("c", "s", "d", "e")

// use reads all that there is in an archive, in all ways.
func use(files fs.FS) (samples int, err error) {
	a, err := archive.Open(files, "a")
	if err != nil {
		return 0, err
	}
	defer a.Close()
	all, err := a.Metrics("")
	for _, metric := range all {
		a.Help(metric)
		_, _ = a.Labels(metric, 1, at(5))
		a.Instances(metric)
		_, _ = metric.Units.Factor(metric.Rate().Units)
	}
	query := archive.Query{}
	for _, metric := range all {
		query.Metrics = append(query.Metrics, metric.Name)
	}
	_, _ = a.Parts()
	for sample, failed := range archive.Rates(a.Samples(query)) {
		if failed != nil {
			err = errors.Join(err, failed)
			break
		}
		samples++
		for _, set := range sample.Sets {
			for _, value := range set.Values {
				_, _ = value.Events()
				_ = value.String()
			}
		}
	}
	rows := 0
	query.From = at(2)
	for range a.Interpolate(query, 700*time.Millisecond) {
		rows++
		if rows > 1000 {
			break
		}
	}
	return samples, err
}

// TestTruncated cuts each file at each byte: all records before the cut can be read, and only a cut within a record is an error.
func TestTruncated(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		m = small(m.version)
		label := int(binary.BigEndian.Uint32(m.meta))
		ends := []int{label}
		for at := label; at < len(m.volumes[1]); ends = append(ends, at) {
			at += int(binary.BigEndian.Uint32(m.volumes[1][at:]))
		}
		for cut := range m.volumes[1] {
			files := m.files("a")
			files["a.1"] = &fstest.MapFile{Data: m.volumes[1][:cut]}
			whole, within := slices.BinarySearch(ends, cut)
			got, err := lines(open(t, files, "a").Samples(everything))
			switch want := 3 + max(whole, 0); {
			case within && (err != nil || len(got) != want):
				t.Errorf("cut between two records, at %d: %d samples, want %d, and %v", cut, len(got), want, err)
			case !within && (!errors.Is(err, archive.ErrTruncated) || len(got) != max(want-1, 3)):
				t.Errorf("cut within a record, at %d: %d samples, want %d, and %v", cut, len(got), max(want-1, 3), err)
			}
		}
		for name, file := range map[string][]byte{"a.meta": m.meta, "a.index": m.index} {
			for cut := range file {
				files := m.files("a")
				files[name] = &fstest.MapFile{Data: file[:cut]}
				samples, err := use(files)
				if name == "a.index" && (err != nil || samples != 7) {
					t.Errorf("index cut at %d: %d samples, %v", cut, samples, err)
				}
			}
		}
	})
}

// TestDamagedVolume: what comes after the damage is read, too, as if recording had been interrupted.
func TestDamagedVolume(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		m = small(m.version)
		files := m.files("a")
		damaged := bytes.Clone(m.volumes[0])
		damaged[len(damaged)-1]++
		files["a.0"] = &fstest.MapFile{Data: damaged}
		got, err := lines(open(t, files, "a").Samples(metrics("d")))
		var format *archive.FormatError
		if want := []string{"0 d[]=0.5", "1 d[]=0.5", "1.001 gap", "3 d[]=0.5", "4 d[]=0.5", "5 d[]=0.5", "6 gap"}; !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
		if !errors.As(err, &format) || format.File != "a.0" || !strings.Contains(err.Error(), "ends with the length") {
			t.Errorf("the error is %v", err)
		}
	})
}

// TestWrongIndex: an index that points into records only makes reading slower.
func TestWrongIndex(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		m = small(m.version)
		right := len(m.index)
		query := metrics("d")
		query.From, query.To = at(4), at(5)
		for offset := range len(m.volumes[1]) {
			m.index = m.index[:right-3*map[int]int{2: 20, 3: 32}[m.version]]
			place := words(1, len(m.meta), offset)
			if m.version == 3 {
				place = words(1, len(m.meta), 0, offset, 0)
			}
			m.index = append(append(m.index, m.stamp(at(3))...), place...)
			got, err := lines(open(t, m.files("a"), "a").Samples(query))
			if at := len(got); err != nil || at > 2 || at < 1 && offset < len(m.volumes[1])/2 {
				t.Errorf("offset %d: %q, %v", offset, got, err)
			}
		}
	})
}

// TestHostileLengths: no length, count or offset makes the reader take memory that the file does not fill.
func TestHostileLengths(t *testing.T) {
	t.Parallel()
	versions(t, func(t *testing.T, m *maker) {
		t.Helper()
		m = small(m.version)
		label := int(binary.BigEndian.Uint32(m.meta))
		for _, name := range []string{"a.meta", "a.index", "a.0"} {
			whole := m.files("a")[name].Data
			for at := 0; at+4 <= len(whole); at += 4 {
				for _, value := range []uint32{0xffffffff, 0x7fffffff, 0x00ffffff, 0x01000000, 0x40000000} {
					if at > label && at%12 != 0 && value != 0x7fffffff {
						continue
					}
					data := bytes.Clone(whole)
					binary.BigEndian.PutUint32(data[at:], value)
					files := m.files("a")
					files[name] = &fstest.MapFile{Data: data}
					if grown := allocated(func() { _, _ = use(files) }); grown > 64<<20 {
						t.Errorf("%s: %#x at %d takes %d MiB", name, value, at, grown>>20)
					}
				}
			}
		}
	})
}

// allocated is how much memory a function took at most. Tests beside it count, too, but they take little.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestSharedBlocks: many values that refer to one large block would take more memory than the file has.
func TestSharedBlocks(t *testing.T) {
	t.Parallel()
	m := newMaker(2)
	m.metric(1, "s", archive.String, disks, archive.Discrete, 0)
	const values = 10_000
	body := append(m.stamp(noon), words(1, 1, values, 1)...)
	block := (4 + len(body) + 8*values + 8) / 4
	for instance := range values {
		body = append(body, words(instance, block)...)
	}
	body = append(body, words(int(archive.String)<<24|1<<20)...)
	m.volumes[0] = append(m.volumes[0], frame(append(body, make([]byte, 1<<20)...))...)
	a := open(t, m.files("a"), "a")
	_, err := lines(a.Samples(metrics("s")))
	if err == nil || !strings.Contains(err.Error(), "need more than 48 MiB of memory") {
		t.Errorf("the error is %v", err)
	}
}

func TestFarApart(t *testing.T) {
	t.Parallel()
	m := newMaker(3)
	m.metric(1, "d", archive.Int32, archive.Singular, archive.Discrete, 0)
	m.record(at(0), made{id: 1, kind: archive.Int32, values: single(1)})
	m.record(noon.AddDate(200, 0, 0), made{id: 1, kind: archive.Int32, values: single(1)})
	for _, err := range open(t, m.files("a"), "a").Interpolate(metrics("d"), time.Second) {
		if err != nil {
			if !strings.Contains(err.Error(), "take a longer interval") {
				t.Error(err)
			}
			return
		}
	}
	t.Error("6 thousand million samples were made")
}

func FuzzArchive(f *testing.F) {
	for _, version := range []int{2, 3} {
		m := small(version)
		f.Add(m.meta, m.index, m.volumes[0], m.volumes[1])
	}
	f.Fuzz(func(_ *testing.T, meta, index, first, second []byte) {
		_, _ = use(fstest.MapFS{"a.meta": {Data: meta}, "a.index": {Data: index}, "a.0": {Data: first}, "a.1": {Data: second}})
	})
}
