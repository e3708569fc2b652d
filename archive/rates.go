package archive

import (
	"iter"
)

// Rate describes the rates of a counter: what Rates makes of its values. Other metrics are described as they are.
func (m *Metric) Rate() *Metric {
	if !m.counts() {
		return m
	}
	rate := *m
	rate.Type, rate.Semantics = Double, Instant
	rate.Units, _ = m.Units.perSecond()
	return &rate
}

func (m *Metric) counts() bool { return m.Semantics == Counter && m.Type.Numeric() }

// Rates replaces the values of counters by how much they grew a second since the sample of the same metric before, as pmval does. Time
// that was used becomes a number: 1 if all of it was. There is no value where there was none before, the counter began again, the
// instance is another one, or recording was interrupted.
func Rates(samples iter.Seq2[Sample, error]) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		known := map[int]*counter{}
		for sample, err := range samples {
			if sample.Gap {
				clear(known)
			}
			sample = rated(sample, known)
			if !yield(sample, err) {
				return
			}
		}
	}
}

func rated(sample Sample, known map[int]*counter) Sample {
	sets := make([]Set, len(sample.Sets))
	for i, set := range sample.Sets {
		if set.Metric.counts() {
			if known[set.slot] == nil || known[set.slot].metric != set.Metric {
				known[set.slot] = newCounter(set.Metric)
			}
			set = known[set.slot].rates(stampOf(sample.Time), set)
		}
		sets[i] = set
	}
	sample.Sets = sets
	return sample
}

// counter knows the last values of a metric.
type counter struct {
	metric, rate *Metric
	factor       float64
	at           stamp
	values       map[int32]Value
}

func newCounter(metric *Metric) *counter {
	_, factor := metric.Units.perSecond()
	return &counter{metric: metric, rate: metric.Rate(), factor: factor, values: map[int32]Value{}}
}

func (c *counter) rates(at stamp, set Set) Set {
	out := Set{Metric: c.rate, Err: set.Err, slot: set.slot}
	now := make(map[int32]Value, len(set.Values))
	for _, v := range set.Values {
		now[v.Instance] = v
		before, exists := c.values[v.Instance]
		if !exists || before.Name != v.Name || at <= c.at {
			continue
		}
		if grown := v.since(before); grown >= 0 {
			out.Values = append(out.Values, number(v, grown/at.since(c.at)*c.factor))
		}
	}
	c.at, c.values = at, now
	return out
}

// since is how much a counter grew; negative if it began again. Integers lose no digits.
func (v Value) since(before Value) float64 {
	switch v.kind {
	case Float, Double:
		return v.Float64() - before.Float64()
	case Int32, Int64:
		return float64(v.Int64()) - float64(before.Int64())
	default:
		if v.bits < before.bits {
			return -1
		}
		return float64(v.bits - before.bits)
	}
}
