package archive

import (
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"
)

// maxRows bounds the work that two times far apart, and a short interval, can ask for.
const maxRows = 1 << 22

var errRows = fmt.Errorf("more than %d samples: take a longer interval or less time", maxRows)

// maxPending bounds the values that wait for the next one of their instance, which may never come.
const maxPending = 1 << 18

// Interpolate gives a sample at From (or where the archive begins), and after each interval until To, as pmval of PCP 6.3 and later does: of a
// counter, what lies on the line between the values before and after; of an instant metric the nearer one of both; of a discrete one, too,
// but the one before is enough. Of texts it is the one before. Where recording was interrupted in between there is no value. An instance of which more than 262,144 values would have to
// wait for its next one counts as gone. After an error nothing follows.
func (a *Archive) Interpolate(q Query, interval time.Duration) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		if interval <= 0 {
			yield(Sample{}, errors.New("the interval is not positive"))
			return
		}
		from, to := q.window()
		from = firstTick(from, a.parts[0].start(), stamp(interval))
		s, err := a.scan(q.Metrics, from, to, true)
		if err != nil {
			yield(Sample{}, err)
			return
		}
		defer s.close()
		i := newInterpolation(len(q.Metrics), a.parts[0].start(), from, to, stamp(interval))
		if i.run(s, yield) && s.damage != nil {
			yield(Sample{}, s.damage)
		}
	}
}

// firstTick is the first one that is not before the archive's start.
func firstTick(from, start, step stamp) stamp {
	if from >= start {
		return from
	}
	if from == never {
		return start
	}
	return from + (start-from+step-1)/step*step
}

// interpolation makes rows, of which each waits until all its values are known.
type interpolation struct {
	origin, tick, to, step stamp
	metrics                []interpolated
	rows                   []*row
	begun                  int64
	pending                int
	interrupted            bool
	done                   bool
}

type interpolated struct {
	metric    *Metric
	instances map[int32]*instance
	// had is whether the row before had values.
	had bool
}

// instance of a metric: its last value, and the first row that waits for its next one.
type instance struct {
	at      stamp
	value   Value
	waiting int // number of rows, always the last ones
}

// row is a sample that is being made.
type row struct {
	at      stamp
	waiting int
	after   bool // an interruption
	sets    [][]Value
}

func newInterpolation(metrics int, origin, from, to, step stamp) *interpolation {
	i := &interpolation{origin: origin, tick: from, to: to, step: step, metrics: make([]interpolated, metrics)}
	for slot := range i.metrics {
		i.metrics[slot].instances = map[int32]*instance{}
	}
	return i
}

// run reports whether the caller wants more.
func (i *interpolation) run(s *scanner, yield func(Sample, error) bool) bool {
	for !i.done {
		sample, ok := s.next()
		if !ok {
			break
		}
		if !i.rowsBefore(s.last, yield) {
			return false
		}
		if sample.Gap {
			i.interrupt()
		} else {
			i.add(s.last, sample)
		}
		if !i.flush(yield) {
			return false
		}
		i.done = i.tick > i.to && len(i.rows) == 0
	}
	if !i.done {
		if !i.rowsBefore(s.reached+1, yield) {
			return false
		}
		i.interrupt()
	}
	return i.flush(yield)
}

// rowsBefore begins the rows of the ticks before a time, of which the values are now known or waited for.
func (i *interpolation) rowsBefore(at stamp, yield func(Sample, error) bool) bool {
	last := min(at-1, i.to)
	if i.tick <= last && i.begun+int64((last-i.tick)/i.step) >= maxRows {
		yield(Sample{}, errRows)
		return false
	}
	for ; i.tick <= last; i.tick += i.step {
		one := &row{at: i.tick, after: i.interrupted, sets: make([][]Value, len(i.metrics))}
		i.interrupted = false
		i.rows = append(i.rows, one)
		for slot := range i.metrics {
			i.begin(one, slot)
		}
		i.limit()
		i.begun++
		if len(i.rows) == 1 && !i.flush(yield) {
			return false
		}
	}
	return true
}

func (i *interpolation) begin(one *row, slot int) {
	m := &i.metrics[slot]
	for _, known := range m.instances {
		if known.at == one.at || m.metric.Semantics == Discrete && !m.metric.Type.Numeric() {
			one.sets[slot] = append(one.sets[slot], known.value)
			continue
		}
		known.waiting++
		one.waiting++
		i.pending++
	}
}

// limit gives up on the values that wait for the longest time.
func (i *interpolation) limit() {
	for i.pending > maxPending {
		one := slices.IndexFunc(i.rows, func(r *row) bool { return r.waiting > 0 })
		for slot := range i.metrics {
			for _, known := range i.metrics[slot].instances {
				if known.waiting >= len(i.rows)-one {
					i.forget(slot, known)
				}
			}
		}
	}
}

// forget that rows wait for an instance. What is discrete holds.
func (i *interpolation) forget(slot int, known *instance) {
	i.decide(slot, known, func(stamp) (Value, bool) {
		return known.value, i.metrics[slot].metric.Semantics == Discrete
	})
}

// decide the values of the rows that wait for an instance.
func (i *interpolation) decide(slot int, known *instance, value func(stamp) (Value, bool)) {
	for _, waiting := range i.rows[len(i.rows)-known.waiting:] {
		waiting.waiting--
		if v, exists := value(waiting.at); exists {
			waiting.sets[slot] = append(waiting.sets[slot], v)
		}
	}
	i.pending -= known.waiting
	known.waiting = 0
}

// interrupt ends the waiting: what comes later does not belong to what came before.
func (i *interpolation) interrupt() {
	for slot := range i.metrics {
		for _, known := range i.metrics[slot].instances {
			i.forget(slot, known)
		}
		clear(i.metrics[slot].instances)
	}
	i.interrupted = true
}

func (i *interpolation) add(at stamp, sample Sample) {
	for _, set := range sample.Sets {
		m := &i.metrics[set.slot]
		m.metric = set.Metric
		for _, v := range set.Values {
			known := m.instances[v.Instance]
			if known == nil {
				known = &instance{}
				m.instances[v.Instance] = known
			}
			i.resolve(known, set, at, v)
			known.at, known.value = at, v
		}
		if at > i.to && len(set.Values) > 0 {
			i.settle(set.slot, at)
		}
	}
}

// settle is for the time after the last row: an instance that is not in its metric's next sample is not waited for.
func (i *interpolation) settle(slot int, at stamp) {
	for _, known := range i.metrics[slot].instances {
		if known.at != at {
			i.forget(slot, known)
		}
	}
}

// resolve the rows that waited for a value.
func (i *interpolation) resolve(known *instance, set Set, next stamp, value Value) {
	i.decide(set.slot, known, func(at stamp) (Value, bool) {
		switch {
		case set.Metric.counts():
			return between(known.value, value, at-i.origin, known.at-i.origin, next-i.origin), true
		case set.Metric.Type.Numeric() && at-known.at > next-at:
			return value, true
		default:
			return known.value, true
		}
	})
}

// between is a counter's value on the line from one time to another; times are counted from the start, as libpcp does, to round alike.
func between(prior, next Value, at, from, to stamp) Value {
	share := func(difference float64) float64 {
		return (at.seconds() - from.seconds()) * difference / (to.seconds() - from.seconds())
	}
	out := prior
	switch prior.kind {
	case Float:
		out.bits = uint64(math.Float32bits(float32(prior.Float64() + share(next.Float64()-prior.Float64()))))
	case Double:
		out.bits = math.Float64bits(prior.Float64() + share(next.Float64()-prior.Float64()))
	case Int32, Int64:
		is := 0.5 + prior.Float64() + share(next.Float64()-prior.Float64())
		out.bits = uint64(int64(is)) //nolint:gosec // The bits are those of a signed number.
		if prior.kind == Int32 {
			out.bits &= math.MaxUint32
		}
	default:
		// The difference is exact, if it has no more than 53 bits.
		grown := 0.5 + share(float64(next.bits-prior.bits))
		if next.bits >= prior.bits {
			out.bits = prior.bits + uint64(grown)
		} else {
			out.bits = uint64(0.5 + prior.Float64() - share(float64(prior.bits-next.bits)))
		}
	}
	return out
}

func (s stamp) seconds() float64 { return float64(s) / float64(time.Second) }

// flush yields the first rows that do not wait any more.
func (i *interpolation) flush(yield func(Sample, error) bool) bool {
	count := 0
	for count < len(i.rows) && i.rows[count].waiting == 0 {
		if !yield(i.finish(i.rows[count]), nil) {
			return false
		}
		count++
	}
	i.rows = slices.Delete(i.rows, 0, count)
	return true
}

// finish a row. A counter has no value in the first row after an interruption that the row before does not show, so nobody takes what
// was not recorded for a rate.
func (i *interpolation) finish(one *row) Sample {
	out := Sample{Time: one.at.time()}
	for slot := range i.metrics {
		m := &i.metrics[slot]
		values := one.sets[slot]
		if one.after && m.had && m.metric.Semantics == Counter {
			values = nil
		}
		m.had = len(values) > 0
		if m.metric != nil {
			slices.SortFunc(values, func(a, b Value) int { return int(a.Instance) - int(b.Instance) })
			out.Sets = append(out.Sets, Set{Metric: m.metric, Values: values, slot: slot})
		}
	}
	return out
}
