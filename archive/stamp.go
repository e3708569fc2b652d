package archive

import (
	"errors"
	"math"
	"time"
)

// stamp is a time in nanoseconds since 1970.
type stamp int64

const (
	never   stamp = math.MinInt64
	forever stamp = math.MaxInt64
)

var errStamp = errors.New("a time that does not exist")

// stamp takes a time as the version of the archive writes it.
func (f *fields) stamp(version int) (stamp, error) {
	var seconds int64
	unit := int64(time.Microsecond)
	if version == 3 {
		seconds, unit = f.split64(), 1
	} else {
		seconds = int64(f.int32())
	}
	fraction := int64(f.int32()) * unit
	if f.short {
		return 0, errShort
	}
	if fraction < 0 || fraction >= int64(time.Second) || seconds < 0 || seconds > math.MaxInt64/int64(time.Second)-1 {
		return 0, errStamp
	}
	return stamp(seconds*int64(time.Second) + fraction), nil
}

func (s stamp) time() time.Time { return time.Unix(0, int64(s)) }

func stampOf(t time.Time) stamp { return stamp(t.UnixNano()) }

// since is how many seconds lie between two times.
func (s stamp) since(earlier stamp) float64 { return float64(s-earlier) / float64(time.Second) }
