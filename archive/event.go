package archive

import (
	"errors"
	"time"
)

// Event is one of the records that a value of type EventRecords or HighResEventRecords holds.
type Event struct {
	Time  time.Time
	Flags uint32
	// Missed is how many events there was no room for; an Event that says so has no parameters.
	Missed     int
	Parameters []Parameter
}

// Parameter of an event. Metric identifies it within the archive.
type Parameter struct {
	Metric MetricID
	Value  Value
}

// eventMissed is the flag of an event that counts others.
const eventMissed = 1 << 31

var errEvents = errors.New("event records that do not fit into their value")

// Events are the records of a value, none for values of other types.
func (v Value) Events() ([]Event, error) {
	if v.kind != EventRecords && v.kind != HighResEventRecords {
		return nil, nil
	}
	in := &fields{rest: []byte(v.raw)}
	var out []Event
	for range in.uint32() {
		event, err := in.event(v.kind)
		if err != nil {
			return out, err
		}
		out = append(out, event)
	}
	if in.short {
		return out, errEvents
	}
	return out, nil
}

func (f *fields) event(kind Type) (out Event, err error) {
	if kind == HighResEventRecords {
		seconds, nanoseconds := int64(f.uint32())<<32|int64(f.uint32()), int64(f.uint32())<<32|int64(f.uint32())
		out.Time = time.Unix(seconds, nanoseconds)
	} else {
		out.Time = time.Unix(int64(f.int32()), int64(f.int32())*int64(time.Microsecond))
	}
	out.Flags = f.uint32()
	count := int(f.int32())
	if f.short || count < 0 {
		return out, errEvents
	}
	if out.Flags&eventMissed != 0 {
		out.Missed = count
		return out, nil
	}
	for range count {
		parameter, err := f.parameter()
		if err != nil {
			return out, err
		}
		out.Parameters = append(out.Parameters, parameter)
	}
	return out, nil
}

func (f *fields) parameter() (Parameter, error) {
	out := Parameter{Metric: MetricID(f.uint32()), Value: Value{Instance: NoInstance}}
	head := f.uint32()
	length := int(head & 0xffffff)
	if f.short || length < 4 {
		return out, errEvents
	}
	raw := f.bytes(length - 4)
	if padding := -length & 3; !f.short && padding > 0 {
		f.bytes(min(padding, len(f.rest)))
	}
	if f.short {
		return out, errEvents
	}
	out.Value.kind = Type(head >> 24)
	room := room(maxSample)
	return out, out.Value.set(raw, &room)
}
