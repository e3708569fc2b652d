package archive

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// Query says what is wanted of an archive.
type Query struct {
	// Metrics are names of metrics.
	Metrics []string
	// From and To are the first and the last time that is wanted. Where one is zero, there is no such limit.
	From, To time.Time
}

func (q Query) window() (from, to stamp) {
	from, to = never, forever
	if !q.From.IsZero() {
		from = stampOf(q.From)
	}
	if !q.To.IsZero() {
		to = stampOf(q.To)
	}
	return from, to
}

// Sample is what there is of one time.
type Sample struct {
	Time time.Time
	// Gap means that recording was interrupted here: counters before and after it cannot be compared. There are no values.
	Gap bool
	// Sets are of the metrics of the query, in no certain order.
	Sets []Set
}

// Set are the values of one metric.
type Set struct {
	Metric *Metric
	// Values are in the order of the archive. There are none where the metric had no instances then.
	Values []Value
	// Err is a Status: why there are no values.
	Err error

	slot int // of the metric in the query
}

// UnknownMetricError is the error of a query for a metric that an archive does not have.
type UnknownMetricError struct {
	Name string
	// Below is how many metrics have names that begin with this one and a dot.
	Below int
}

func (e *UnknownMetricError) Error() string {
	if e.Below > 0 {
		return fmt.Sprintf("%s is no metric, but %d metrics have names that begin with it", e.Name, e.Below)
	}
	return e.Name + " is not in the archive"
}

// Samples gives the records with at least one of the metrics, as they were recorded, and where recording was interrupted. After an error
// nothing follows.
func (a *Archive) Samples(q Query) iter.Seq2[Sample, error] {
	return func(yield func(Sample, error) bool) {
		from, to := q.window()
		s, err := a.scan(q.Metrics, from, to, false)
		if err != nil {
			yield(Sample{}, err)
			return
		}
		defer s.close()
		begun := false
		for sample, ok := s.next(); ok && s.last <= to; sample, ok = s.next() {
			if sample.Gap && !begun || s.last < from {
				continue
			}
			begun = true
			if !yield(sample, nil) {
				return
			}
		}
		if s.damage != nil {
			yield(Sample{}, s.damage)
		}
	}
}

// scanner reads samples from part to part.
type scanner struct {
	names    []string
	parts    []*part
	from     stamp
	lookBack bool

	reader  *reader
	wanted  map[MetricID][]int // slots: a metric can have several names
	metrics []*Metric
	domains map[InstanceDomain]*domainReader
	// last is the time of the sample that next returned.
	last stamp
	// reached is the time of the last record, of whatever metrics.
	reached stamp
	damage  error
}

// scan reads from a time on; to look back means to begin where all metrics are known at that time, if that can be.
func (a *Archive) scan(names []string, from, to stamp, lookBack bool) (*scanner, error) {
	s := &scanner{names: names, from: from, lookBack: lookBack, last: never, reached: never, damage: a.damaged}
	for i, p := range a.parts {
		ended := i+1 < len(a.parts) && a.parts[i+1].start() <= from && p.reach() < from
		if p.start() <= to && !ended {
			s.parts = append(s.parts, p)
			p.load(to)
		}
	}
	for _, name := range names {
		if err := a.exists(name, s.parts); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// exists looks for a metric in what was read of the metadata, and only then in the rest of it.
func (a *Archive) exists(name string, parts []*part) error {
	for _, p := range parts {
		if p.meta.byName[name] != nil {
			return nil
		}
	}
	if a.Metric(name) != nil {
		return nil
	}
	below, err := a.Metrics(name)
	if err != nil {
		return err
	}
	return &UnknownMetricError{name, len(below)}
}

func (s *scanner) close() {
	if s.reader != nil {
		s.reader.close()
	}
}

// next sample with one of the metrics, or gap.
func (s *scanner) next() (Sample, bool) {
	for s.reader != nil || s.enter() {
		found, err := s.reader.next()
		if err == io.EOF { //nolint:errorlint // next returns it as it is.
			if gap, ok := s.leave(); ok {
				return gap, true
			}
			continue
		}
		s.reached = max(s.reached, found.at)
		if found.at < s.last {
			continue // Of the archive before it, which overlaps; or the clock was set back.
		}
		sample, ok := s.sample(found)
		if ok {
			s.last = found.at
			return sample, true
		}
	}
	return Sample{}, false
}

// enter the next part.
func (s *scanner) enter() bool {
	if len(s.parts) == 0 {
		return false
	}
	p := s.parts[0]
	s.wanted, s.metrics, s.domains = map[MetricID][]int{}, make([]*Metric, len(s.names)), map[InstanceDomain]*domainReader{}
	for slot, name := range s.names {
		metric := p.meta.byName[name]
		if metric == nil {
			continue
		}
		s.wanted[metric.ID], s.metrics[slot] = append(s.wanted[metric.ID], slot), metric
		if s.domains[metric.Domain] == nil {
			s.domains[metric.Domain] = &domainReader{history: p.meta.domains[metric.Domain]}
		}
	}
	if s.lookBack {
		s.reader = p.recordsFrom(p.lookBack(s.from, s.wanted))
	} else {
		s.reader = p.records(s.from)
	}
	return true
}

// leave a part. Between two, recording was interrupted.
func (s *scanner) leave() (Sample, bool) {
	s.note(s.reader.damage)
	s.note(s.parts[0].metaErr)
	s.reader.close()
	s.reader = nil
	s.parts = s.parts[1:]
	if s.last == never || len(s.parts) == 0 {
		return Sample{}, false
	}
	s.last += afterEnd
	return Sample{Time: s.last.time(), Gap: true}, true
}

func (s *scanner) note(damage error) {
	if s.damage == nil {
		s.damage = damage
	}
}

// sample takes the metrics of the query out of a result, if there are any.
func (s *scanner) sample(found result) (Sample, bool) {
	out := Sample{Time: found.at.time(), Gap: found.count == 0}
	if out.Gap {
		return out, true
	}
	left := room(maxSample)
	err := found.sets(func(one set) bool {
		slots, ok := s.wanted[one.metric]
		if !ok {
			return true
		}
		values, err := s.values(found, one, s.metrics[slots[0]], &left)
		if err != nil {
			s.note(s.reader.in.failedAt(err))
			return !errors.Is(err, errRoom)
		}
		for _, slot := range slots {
			values.Metric, values.slot = s.metrics[slot], slot
			out.Sets = append(out.Sets, values)
		}
		return len(out.Sets) < len(s.names)
	})
	if err != nil {
		s.note(s.reader.in.failedAt(err))
	}
	return out, len(out.Sets) > 0
}

func (s *scanner) values(found result, one set, metric *Metric, left *room) (out Set, err error) {
	if one.count < 0 {
		out.Err = Status(one.count)
		return out, nil
	}
	out.Values, err = found.values(one, metric, s.domains[metric.Domain], left)
	return out, err
}

// lookBack finds the last entry of the index from which on all metrics are recorded before a time, or recording was interrupted.
func (p *part) lookBack(from stamp, wanted map[MetricID][]int) int {
	entry := before(p.index, from) - 1
	missing := map[MetricID]bool{}
	for id := range wanted {
		missing[id] = true
	}
	for until := from; entry >= 0; entry-- {
		interrupted := p.seen(entry, until, missing)
		if interrupted || len(missing) == 0 {
			break
		}
		until = p.index[entry].at
	}
	return entry
}

// seen removes the metrics that are recorded from an entry of the index on, and until a time.
func (p *part) seen(entry int, until stamp, missing map[MetricID]bool) (interrupted bool) {
	r := p.recordsFrom(entry)
	defer r.close()
	for {
		found, err := r.next()
		if err != nil || found.at > until {
			return interrupted
		}
		interrupted = interrupted || found.count == 0
		_ = found.sets(func(one set) bool { // Reading it again reports the damage.
			if one.count > 0 {
				delete(missing, one.metric)
			}
			return true
		})
	}
}
