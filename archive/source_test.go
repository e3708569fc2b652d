package archive_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/performancecopilot/pcp-injector/archive"
)

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	writer := gzip.NewWriter(&out)
	_, err := writer.Write(data)
	if err = errors.Join(err, writer.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zstandard(t *testing.T, data []byte) []byte {
	t.Helper()
	writer, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return writer.EncodeAll(data, nil)
}

// stored is an xz file that holds data as it is, in chunks of LZMA2, with a dictionary of a size: see xz's file format.
func stored(data []byte, dictionary byte) []byte {
	flags := []byte{0, 0} // without a check
	out := append([]byte{0xfd, '7', 'z', 'X', 'Z', 0}, flags...)
	out = append(out, sum(flags)...)
	header := []byte{2, 0, 0x21, 1, dictionary, 0, 0, 0}
	out = append(append(out, header...), sum(header)...)
	begin := len(out) - 12
	for rest, control := data, byte(1); len(rest) > 0; control = 2 {
		chunk := rest[:min(len(rest), 1<<16)]
		rest = rest[len(chunk):]
		out = append(out, control, byte((len(chunk)-1)>>8), byte(len(chunk)-1))
		out = append(out, chunk...)
	}
	out = append(out, 0)
	unpadded := len(out) - begin
	out = append(out, make([]byte, -unpadded&3)...)
	index := binary.AppendUvarint(binary.AppendUvarint([]byte{0, 1}, uint64(unpadded)), uint64(len(data)))
	index = append(index, make([]byte, -len(index)&3)...)
	out = append(append(out, index...), sum(index)...)
	footer := append(binary.LittleEndian.AppendUint32(nil, uint32(len(index)/4)), flags...)
	return append(append(append(out, sum(footer)...), footer...), 'Y', 'Z')
}

func sum(data []byte) []byte { return binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(data)) }

func TestCompressed(t *testing.T) {
	t.Parallel()
	m := small(3)
	want, err := lines(open(t, m.files("a"), "a").Samples(everything))
	if err != nil {
		t.Fatal(err)
	}
	for suffix, compress := range map[string]func([]byte) []byte{
		".gz": func(data []byte) []byte { return zipped(t, data) }, ".zst": func(data []byte) []byte { return zstandard(t, data) },
		".xz": func(data []byte) []byte { return stored(data, 12) },
	} {
		files := fstest.MapFS{"a.index": {Data: m.index}, "a.meta" + suffix: {Data: compress(m.meta)}}
		for number, volume := range m.volumes {
			files[fmt.Sprintf("a.%d%s", number, suffix)] = &fstest.MapFile{Data: compress(volume)}
		}
		a := open(t, files, "a")
		check(t, a.Samples(everything), want...)
		query := metrics("d")
		query.From, query.To = at(4), at(5)
		check(t, a.Samples(query), "4 d[]=0.5", "5 d[]=0.5")
		if end, err := a.End(); err != nil || !end.Equal(at(5)) {
			t.Errorf("%s: the end is %v, %v", suffix, end, err)
		}
		cut := files["a.1"+suffix].Data
		files["a.1"+suffix] = &fstest.MapFile{Data: cut[:len(cut)*3/4]}
		got, err := lines(open(t, files, "a").Samples(everything))
		if err == nil || len(got) < 3 {
			t.Errorf("%s, cut: %d samples, %v", suffix, len(got), err)
		}
	}
}

// TestLargeDictionary: a decompressor takes no more memory than it may, whatever the file says.
func TestLargeDictionary(t *testing.T) {
	t.Parallel()
	m := small(3)
	files := m.files("a")
	delete(files, "a.1")
	files["a.1.xz"] = &fstest.MapFile{Data: stored(m.volumes[1], 40)}
	var err error
	if grown := allocated(func() { _, err = lines(open(t, files, "a").Samples(everything)) }); grown > 64<<20 {
		t.Errorf("%d MiB are taken", grown>>20)
	}
	if err == nil || !strings.Contains(err.Error(), "dictionary") {
		t.Errorf("the error is %v", err)
	}
}

// TestPlainFirst: while a volume is being compressed, both files are there.
func TestPlainFirst(t *testing.T) {
	t.Parallel()
	m := small(3)
	files := m.files("a")
	files["a.0.xz"], files["a.1.gz"] = &fstest.MapFile{Data: []byte("half")}, &fstest.MapFile{}
	found, err := archive.Find(files, "a")
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if want := int64(len(m.meta) + len(m.index) + len(m.volumes[0]) + len(m.volumes[1])); found[0].Size != want {
		t.Errorf("the size is %d, want %d", found[0].Size, want)
	}
	if got, err := lines(open(t, files, "a").Samples(everything)); err != nil || len(got) != 7 {
		t.Errorf("%q, %v", got, err)
	}
}

// served counts the bytes that a server sends.
func served(t *testing.T, files fstest.MapFS) (url string, sent *atomic.Int64) {
	t.Helper()
	sent = &atomic.Int64{}
	content := http.FileServerFS(files)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content.ServeHTTP(&counting{w, r.Method, sent}, r)
	}))
	t.Cleanup(server.Close)
	return server.URL, sent
}

type counting struct {
	http.ResponseWriter
	method string
	sent   *atomic.Int64
}

func (c *counting) Write(data []byte) (int, error) {
	c.sent.Add(int64(len(data)))
	return c.ResponseWriter.Write(data)
}

// hour is an archive of 12 MB, with a record of 100 kB and one of a byte each 30 seconds.
func hour() *maker {
	m := newMaker(3)
	m.metric(1, "n", archive.Int32, archive.Singular, archive.Instant, 0)
	m.metric(2, "large", archive.Aggregate, archive.Singular, archive.Instant, 0)
	for second := 0; second < 3600; second += 30 {
		m.entry(at(float64(second)))
		m.record(at(float64(second)), made{id: 1, kind: archive.Int32, values: single(second)})
		m.record(at(float64(second)), made{id: 2, kind: archive.Aggregate, values: single(make([]byte, 100_000))})
	}
	return m
}

func TestHTTP(t *testing.T) {
	t.Parallel()
	files := hour().files("node-1/a")
	url, sent := served(t, files)
	names := slices.Collect(func(yield func(string) bool) {
		for name := range files {
			if !yield(name) {
				return
			}
		}
	})
	remote, err := archive.HTTP(t.Context(), http.DefaultClient, url, names)
	if err != nil {
		t.Fatal(err)
	}
	query := metrics("n")
	query.From, query.To = at(1800), at(1860)
	check(t, open(t, remote, "node-1").Samples(query), "1800 n[]=1800", "1830 n[]=1830", "1860 n[]=1860")
	if got := sent.Load(); got > 1_500_000 {
		t.Errorf("of 12 MB, %d bytes were sent for one minute", got)
	}
	if _, err := archive.HTTP(t.Context(), http.DefaultClient, url, []string{"../a.0"}); err == nil {
		t.Error("a name that leaves the base is accepted")
	}
}

func TestHTTPFileSystem(t *testing.T) {
	t.Parallel()
	url, _ := served(t, fstest.MapFS{"a.meta": {Data: []byte("some")}, "sub/a.0": {Data: []byte("other")}})
	remote, err := archive.HTTP(t.Context(), http.DefaultClient, url, []string{"sub/a.0", "a.meta"})
	if err != nil {
		t.Fatal(err)
	}
	if err := fstest.TestFS(remote, "a.meta", "sub/a.0"); err != nil {
		t.Error(err)
	}
}

// TestHTTPWithoutRanges: a server that sends whole files would be asked for them again and again.
func TestHTTPWithoutRanges(t *testing.T) {
	t.Parallel()
	files := small(3).files("a")
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data := files[strings.TrimPrefix(r.URL.Path, "/")].Data
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = io.Copy(w, bytes.NewReader(data))
	}))
	t.Cleanup(server.Close)
	remote, err := archive.HTTP(t.Context(), server.Client(), server.URL, []string{"a.meta", "a.0", "a.1", "a.index"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := archive.Open(remote, "a"); err == nil || !strings.Contains(err.Error(), "200 OK, not with a part of the file") {
		t.Errorf("the error is %v", err)
	}
}

// TestWindow: of a volume only the part is read that a time needs.
func TestWindow(t *testing.T) {
	t.Parallel()
	files := &measured{MapFS: hour().files("a")}
	query := metrics("n")
	query.From, query.To = at(1800), at(1860)
	check(t, open(t, files, "a").Samples(query), "1800 n[]=1800", "1830 n[]=1830", "1860 n[]=1860")
	check(t, open(t, files, "a").Interpolate(query, time.Minute), "1800 n[]=1800", "1860 n[]=1860")
	if got := files.read.Load(); got > 3_000_000 {
		t.Errorf("of 12 MB, %d bytes were read for one minute", got)
	}
}
