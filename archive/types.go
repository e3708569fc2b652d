package archive

import (
	"fmt"
	"strconv"
)

// Type is the type of a metric's values.
type Type uint8

// The types, with the numbers of PMAPI(3).
const (
	Int32 Type = iota
	Uint32
	Int64
	Uint64
	Float
	Double
	String
	Aggregate
	AggregateStatic
	EventRecords
	HighResEventRecords
	// Unsupported metrics never have values.
	Unsupported Type = 255
)

var typeNames = [...]string{
	"32-bit int", "32-bit unsigned int", "64-bit int", "64-bit unsigned int", "float", "double", "string",
	"aggregate", "aggregate static", "event record array", "highres event record array",
}

func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	if t == Unsupported {
		return "Not Supported"
	}
	return "unknown type " + strconv.Itoa(int(t))
}

// Numeric types are those that can be converted to rates and other units.
func (t Type) Numeric() bool { return t <= Double }

// size is how many bytes a number of the type has.
func (t Type) size() int {
	if t == Int64 || t == Uint64 || t == Double {
		return 8
	}
	return 4
}

// Semantics say what a metric's values mean.
type Semantics uint8

// The semantics, with the numbers of PMAPI(3).
const (
	// Counter only grows, until what counts starts again.
	Counter Semantics = 1
	// Instant was so at that moment.
	Instant Semantics = 3
	// Discrete holds until the next value.
	Discrete Semantics = 4
)

func (s Semantics) String() string {
	switch s {
	case Counter:
		return "counter"
	case Instant:
		return "instant"
	case Discrete:
		return "discrete"
	default:
		return "unknown semantics " + strconv.Itoa(int(s))
	}
}

// MetricID identifies a metric within one archive.
type MetricID uint32

func (id MetricID) String() string {
	return fmt.Sprintf("%d.%d.%d", id>>22&0x1ff, id>>10&0xfff, id&0x3ff)
}

// InstanceDomain is what a metric's instances are of, such as all disks.
type InstanceDomain uint32

// Singular is the domain of metrics with one value.
const Singular InstanceDomain = 0xffffffff

func (d InstanceDomain) String() string {
	if d == Singular {
		return "none"
	}
	return fmt.Sprintf("%d.%d", d>>22&0x1ff, d&0x3fffff)
}

// NoInstance is the instance of the value of a singular metric.
const NoInstance int32 = -1

// Metric describes a metric. It is never changed.
type Metric struct {
	// Name is the one asked for, or the first of Names.
	Name  string
	Names []string
	ID    MetricID
	Type  Type
	// Domain is Singular for a metric with a single value.
	Domain    InstanceDomain
	Semantics Semantics
	Units     Units
}

// named is the metric under another of its names.
func (m *Metric) named(name string) *Metric {
	if m.Name == name {
		return m
	}
	other := *m
	other.Name = name
	return &other
}
