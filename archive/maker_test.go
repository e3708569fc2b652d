package archive_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing/fstest"
	"time"

	"github.com/performancecopilot/pcp-injector/archive"
)

// maker writes archives for tests, as LOGARCHIVE(5) and pmlogger have them.
type maker struct {
	version int
	host    string
	start   time.Time
	meta    []byte
	index   []byte
	volumes [][]byte
}

var (
	order = binary.BigEndian
	noon  = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
)

func newMaker(version int) *maker { return newMakerAt(version, "node-1", noon) }

func newMakerAt(version int, host string, start time.Time) *maker {
	m := &maker{version: version, host: host, start: start}
	m.meta, m.index = m.label(-1), m.label(-2)
	m.volume()
	return m
}

// volume begins another one.
func (m *maker) volume() { m.volumes = append(m.volumes, m.label(len(m.volumes))) }

func frame(body []byte) []byte {
	length := order.AppendUint32(nil, uint32(len(body)+8))
	return append(append(append([]byte{}, length...), body...), length...)
}

func words(values ...int) []byte {
	var out []byte
	for _, value := range values {
		out = order.AppendUint32(out, uint32(value))
	}
	return out
}

func padded(text string, length int) []byte {
	return append([]byte(text), make([]byte, length-len(text))...)
}

func (m *maker) stamp(at time.Time) []byte {
	if m.version == 2 {
		return words(int(at.Unix()), at.Nanosecond()/1000)
	}
	return words(int(at.Unix()&math.MaxUint32), int(at.Unix()>>32), at.Nanosecond())
}

func (m *maker) label(volume int) []byte {
	out := append(words(0x50052600|m.version, 4711), m.stamp(m.start)...)
	out = append(out, words(volume)...)
	if m.version == 2 {
		return frame(append(append(out, padded(m.host, 64)...), padded("CET-1", 40)...))
	}
	out = append(append(out, words(0, 0)...), padded(m.host, 256)...)
	return frame(append(append(out, padded("CET-1", 256)...), padded(":Europe/Berlin", 256)...))
}

// metric describes one. Its id is item 1, 2 and so on of domain 60, as it was described.
func (m *maker) metric(id int, name string, kind archive.Type, domain archive.InstanceDomain, semantics archive.Semantics, units uint32) {
	body := append(words(1, id, int(int32(int8(kind))), int(domain), int(semantics), int(units), 1, len(name)), name...)
	m.meta = append(m.meta, frame(body)...)
}

// instances writes the state of a domain, or with gone a delta.
func (m *maker) instances(at time.Time, domain archive.InstanceDomain, now map[int]string, gone ...int) {
	kind := 5
	if m.version == 2 {
		kind = 2
	} else if len(gone) > 0 {
		kind = 6
	}
	var ids, offsets, names []byte
	for id, name := range now {
		ids, offsets = append(ids, words(id)...), append(offsets, words(len(names))...)
		names = append(append(names, name...), 0)
	}
	for _, id := range gone {
		ids, offsets = append(ids, words(id)...), append(offsets, words(-1)...)
	}
	body := append(append(words(kind), m.stamp(at)...), words(int(domain), len(now)+len(gone))...)
	m.meta = append(m.meta, frame(append(append(append(body, ids...), offsets...), names...))...)
}

func (m *maker) labels(at time.Time, kind, id, instance int, json string) {
	code := 7
	if m.version == 2 {
		code = 3
	}
	body := append(append(words(code), m.stamp(at)...), words(kind, id, 1, instance, len(json))...)
	m.meta = append(m.meta, frame(append(append(body, json...), words(0)...))...)
}

func (m *maker) help(id, kind int, text string) {
	m.meta = append(m.meta, frame(append(append(words(4, kind, id), text...), 0))...)
}

// made is a metric's values of one record.
type made struct {
	id     int
	kind   archive.Type
	values map[int]any
	status int
}

// record writes one, and returns where it begins.
func (m *maker) record(at time.Time, sets ...made) int {
	last := len(m.volumes) - 1
	begin := len(m.volumes[last])
	head := append(m.stamp(at), words(len(sets))...)
	length := 4 + len(head)
	for _, set := range sets {
		length += 8
		if len(set.values) > 0 {
			length += 4 + 8*len(set.values)
		}
	}
	var body, blocks []byte
	for _, set := range sets {
		body = append(body, words(set.id)...)
		if len(set.values) == 0 {
			body = append(body, words(set.status)...)
			continue
		}
		inPlace := set.kind == archive.Int32 || set.kind == archive.Uint32
		body = append(body, words(len(set.values), map[bool]int{true: 0, false: 1}[inPlace])...)
		for _, instance := range sorted(set.values) {
			raw := encode(set.kind, set.values[instance])
			body = append(body, words(instance)...)
			if inPlace {
				body = append(body, raw...)
				continue
			}
			body = append(body, words((length+len(blocks)+8)/4)...)
			blocks = append(blocks, block(set.kind, raw)...)
		}
	}
	m.volumes[last] = append(m.volumes[last], frame(append(append(head, body...), blocks...))...)
	return begin
}

func (m *maker) mark(at time.Time) { m.record(at) }

func sorted(values map[int]any) []int {
	var out []int
	for i := -1; len(out) < len(values); i++ {
		if _, exists := values[i]; exists {
			out = append(out, i)
		}
	}
	return out
}

func block(kind archive.Type, raw []byte) []byte {
	out := append(words(int(kind)<<24|(len(raw)+4)), raw...)
	return append(out, make([]byte, -len(out)&3)...)
}

func encode(kind archive.Type, value any) []byte {
	switch v := value.(type) {
	case int:
		if kind == archive.Int64 || kind == archive.Uint64 {
			return order.AppendUint64(nil, uint64(v))
		}
		return words(v)
	case uint64:
		return order.AppendUint64(nil, v)
	case float64:
		if kind == archive.Float {
			return order.AppendUint32(nil, math.Float32bits(float32(v)))
		}
		return order.AppendUint64(nil, math.Float64bits(v))
	case string:
		return append([]byte(v), 0)
	case []byte:
		return v
	default:
		panic(fmt.Sprintf("no way to encode %T", value))
	}
}

// entry adds one to the index: of the place where the next record will be.
func (m *maker) entry(at time.Time) {
	last := len(m.volumes) - 1
	m.index = append(m.index, m.stamp(at)...)
	if m.version == 2 {
		m.index = append(m.index, words(last, len(m.meta), len(m.volumes[last]))...)
	} else {
		m.index = append(m.index, words(last, len(m.meta), 0, len(m.volumes[last]), 0)...)
	}
}

// files is the archive under a name.
func (m *maker) files(name string) fstest.MapFS {
	out := fstest.MapFS{name + ".meta": {Data: m.meta}, name + ".index": {Data: m.index}}
	for number, data := range m.volumes {
		out[fmt.Sprintf("%s.%d", name, number)] = &fstest.MapFile{Data: data}
	}
	return out
}
