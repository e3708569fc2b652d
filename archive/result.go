package archive

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// result is a record of a volume: what pmlogger fetched at one time.
type result struct {
	at     stamp
	count  int    // of metrics; 0 for a mark, where recording was interrupted
	body   []byte // the sets of values, and the blocks that they refer to
	header int    // bytes of the record before body, with the length before it
}

var (
	errSets  = errors.New("the values of a metric do not fit into their record")
	errBlock = errors.New("a value lies outside of its record")
)

func parseResult(raw []byte, version int) (result, error) {
	in := &fields{rest: raw}
	at, err := in.stamp(version)
	if err != nil {
		return result{}, err
	}
	count := in.int32()
	if in.short || count < 0 {
		return result{}, errShort
	}
	return result{at, int(count), in.rest, frameWord + len(raw) - len(in.rest)}, nil
}

// Encodings of values.
const (
	inPlace = 0
	// Blocks are pointed to, from the heap or the stack of the pmlogger that wrote them.
	inBlock      = 1
	inStackBlock = 2
)

// set are the values of one metric in a record.
type set struct {
	metric   MetricID
	count    int32 // or a Status, if it is negative
	encoding uint32
	values   []byte // pairs of instance and value
}

// sets calls a function for each metric until it returns false.
func (r result) sets(visit func(set) bool) error {
	rest := r.body
	for range r.count {
		if len(rest) < 8 {
			return errSets
		}
		one := set{metric: MetricID(binary.BigEndian.Uint32(rest)), count: int32(binary.BigEndian.Uint32(rest[4:]))} //nolint:gosec // Signed.
		rest = rest[8:]
		if one.count > 0 {
			length := 4 + 8*int64(one.count)
			if length > int64(len(rest)) {
				return errSets
			}
			one.encoding = binary.BigEndian.Uint32(rest)
			one.values, rest = rest[4:length], rest[length:]
		}
		if !visit(one) {
			break
		}
	}
	return nil
}

// block is the value that a word refers to. It counts words from two before the record.
func (r result) block(word uint32) (Type, []byte, error) {
	at := int64(word)*4 - 8 - int64(r.header)
	if at < 0 || at+4 > int64(len(r.body)) {
		return 0, nil, errBlock
	}
	head := binary.BigEndian.Uint32(r.body[at:])
	length := int64(head & 0xffffff)
	if length < 4 || at+length > int64(len(r.body)) {
		return 0, nil, errBlock
	}
	return Type(head >> 24), r.body[at+4 : at+length], nil
}

// values decodes a set into at most as many values as there is room for.
func (r result) values(one set, metric *Metric, names *domainReader, room *room) ([]Value, error) {
	if err := room.take(int(one.count) * valueSize); err != nil {
		return nil, err
	}
	out := make([]Value, one.count)
	for i := range out {
		v := &out[i]
		v.kind = metric.Type
		v.Instance = int32(binary.BigEndian.Uint32(one.values[8*i:])) //nolint:gosec // The bits are those of a signed number.
		if metric.Domain != Singular {
			v.Name = names.name(v.Instance, r.at)
		}
		if err := r.value(v, one.encoding, binary.BigEndian.Uint32(one.values[8*i+4:]), room); err != nil {
			return nil, fmt.Errorf("%s: %w", metric.Name, err)
		}
	}
	return out, nil
}

func (r result) value(v *Value, encoding, word uint32, room *room) error {
	switch encoding {
	case inPlace:
		if !v.kind.Numeric() || v.kind.size() != 4 {
			return fmt.Errorf("a value of type %s in 4 bytes", v.kind)
		}
		v.bits = uint64(word)
		return nil
	case inBlock, inStackBlock:
	default:
		return fmt.Errorf("a value of the unknown encoding %d", encoding)
	}
	found, raw, err := r.block(word)
	if err != nil {
		return err
	}
	if found != v.kind {
		return fmt.Errorf("a value of type %s, but the metric is of type %s", found, v.kind)
	}
	return v.set(raw, room)
}

// room bounds what is kept of one record: blocks can be referred to more than once.
type room int

const valueSize = 80

var errRoom = fmt.Errorf("the values of one record need more than %d MiB of memory", maxSample>>20)

// maxSample bounds the values of one sample in memory.
const maxSample = 48 << 20

func (r *room) take(bytes int) error {
	*r -= room(bytes)
	if *r < 0 {
		return errRoom
	}
	return nil
}
