package archive

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Value is a metric's for one instance.
type Value struct { //nolint:recvcheck // Only set, which makes one, changes it.
	// Instance is NoInstance for a singular metric.
	Instance int32
	// Name of the instance at that time. It is empty for a singular metric, and where the archive does not say it.
	Name string

	kind Type
	bits uint64
	raw  string
}

// Number is a value of type Double, such as a rate.
func number(v Value, is float64) Value {
	v.kind, v.bits, v.raw = Double, math.Float64bits(is), ""
	return v
}

// set takes what a block of the value's type holds.
func (v *Value) set(raw []byte, room *room) error {
	if v.kind.Numeric() {
		if len(raw) < v.kind.size() {
			return errBlock
		}
		if v.kind.size() == 8 {
			v.bits = binary.BigEndian.Uint64(raw)
		} else {
			v.bits = uint64(binary.BigEndian.Uint32(raw))
		}
		return nil
	}
	if err := room.take(len(raw)); err != nil {
		return err
	}
	v.raw = string(raw)
	return nil
}

// Type of the value: the metric's, but Double for a rate.
func (v Value) Type() Type { return v.kind }

// Float64 is the value of a numeric type, and NaN for others. Integers of more than 53 bits lose their lowest ones.
func (v Value) Float64() float64 {
	switch v.kind {
	case Int32, Int64:
		return float64(v.Int64())
	case Uint32, Uint64:
		return float64(v.bits)
	case Float:
		return float64(math.Float32frombits(uint32(v.bits))) //nolint:gosec // Float has 32 bits.
	case Double:
		return math.Float64frombits(v.bits)
	default:
		return math.NaN()
	}
}

// Int64 is the value of a type of integers; that of Uint64 may not fit.
func (v Value) Int64() int64 {
	if v.kind == Int32 {
		return int64(int32(v.bits)) //nolint:gosec // Int32 has 32 bits.
	}
	return int64(v.bits) //nolint:gosec // The caller knows the type.
}

// Uint64 is the value of the types Uint32 and Uint64.
func (v Value) Uint64() uint64 { return v.bits }

// Bytes are the contents of a value that is no number.
func (v Value) Bytes() []byte { return []byte(v.raw) }

// String is the value for people: numbers in full, texts as they are, and of other contents the size.
func (v Value) String() string {
	switch v.kind {
	case Int32, Int64:
		return strconv.FormatInt(v.Int64(), 10)
	case Uint32, Uint64:
		return strconv.FormatUint(v.bits, 10)
	case Float:
		return strconv.FormatFloat(v.Float64(), 'g', -1, 32)
	case Double:
		return strconv.FormatFloat(v.Float64(), 'g', -1, 64)
	case String:
		return strings.TrimRight(v.raw, "\x00")
	case EventRecords, HighResEventRecords:
		events, err := v.Events()
		if err != nil {
			return err.Error()
		}
		return fmt.Sprintf("[%d event records]", len(events))
	default:
		return fmt.Sprintf("[%d bytes]", len(v.raw))
	}
}
