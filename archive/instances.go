package archive

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sort"
)

// history is how an instance domain changed: the first state in full, then what was added, renamed or removed. A long life of short-lived
// processes takes as much memory as there were processes.
type history struct {
	states []domainState
	now    map[int32]string
}

type domainState struct {
	at      stamp
	changes []change
}

// change gives an instance a name, or removes it.
type change struct {
	instance int32
	removed  bool
	name     string
}

// changeSize is what one change keeps in memory, in the history and in the present state.
const changeSize = 72

var errNameOffset = errors.New("the name of an instance lies outside of its record")

// instances takes a record of an instance domain: all instances, or only those that came and went.
func (m *metadata) instances(in *fields, all bool) error {
	at, err := in.stamp(m.version)
	if err != nil {
		return err
	}
	domain, count := InstanceDomain(in.uint32()), int64(in.uint32())
	if in.short || 8*count > int64(len(in.rest)) {
		return errShort
	}
	ids, offsets := in.bytes(int(4*count)), in.bytes(int(4*count))
	known := m.domains[domain]
	if known == nil {
		known = &history{now: map[int32]string{}}
		m.domains[domain] = known
		m.keep(256)
	}
	var seen map[int32]bool
	if all {
		seen = make(map[int32]bool, count)
	}
	changes, err := m.changes(known, ids, offsets, in.rest, seen)
	if err != nil {
		return err
	}
	m.add(known, at, append(changes, known.missing(seen)...))
	return nil
}

// changes are those among the instances of a record.
func (m *metadata) changes(known *history, ids, offsets, names []byte, seen map[int32]bool) ([]change, error) {
	var out []change
	for at := 0; at < len(ids); at += 4 {
		if m.kept+changeSize*len(out) > maxMetadata {
			return nil, errMetadata
		}
		id := int32(binary.BigEndian.Uint32(ids[at:]))         //nolint:gosec // The bits are those of a signed number.
		offset := int32(binary.BigEndian.Uint32(offsets[at:])) //nolint:gosec // So are these.
		old, exists := known.now[id]
		if offset == -1 && seen == nil {
			if exists {
				out = append(out, change{instance: id, removed: true})
			}
			continue
		}
		if offset < 0 || int(offset) > len(names) {
			return nil, errNameOffset
		}
		name, _, ended := bytes.Cut(names[offset:], []byte{0})
		if !ended {
			return nil, errNameOffset
		}
		if seen != nil {
			seen[id] = true
		}
		if !exists || old != string(name) {
			out = append(out, change{instance: id, name: m.once(name)})
		}
	}
	return out, nil
}

// missing are the instances that a full record does not have any more.
func (h *history) missing(seen map[int32]bool) []change {
	if seen == nil {
		return nil
	}
	var out []change
	for id := range h.now {
		if !seen[id] {
			out = append(out, change{instance: id, removed: true})
		}
	}
	return out
}

func (m *metadata) add(known *history, at stamp, changes []change) {
	if len(changes) == 0 && len(known.states) > 0 {
		return
	}
	if count := len(known.states); count > 0 {
		at = max(at, known.states[count-1].at)
	}
	for _, c := range changes {
		c.apply(known.now)
	}
	known.states = append(known.states, domainState{at, changes})
	m.keep(64 + changeSize*len(changes))
}

func (c change) apply(to map[int32]string) {
	if c.removed {
		delete(to, c.instance)
	} else {
		to[c.instance] = c.name
	}
}

// domainReader knows the instances of a domain at a time that moves on.
type domainReader struct {
	history *history
	applied int
	now     map[int32]string
}

// name of an instance at a time; empty if it is not known.
func (d *domainReader) name(instance int32, at stamp) string {
	if d.history == nil {
		return ""
	}
	d.move(at)
	return d.now[instance]
}

// move to the last state at a time or before it; before the first one, that is taken.
func (d *domainReader) move(at stamp) {
	states := d.history.states
	if d.now == nil || d.applied > 1 && states[d.applied-1].at > at {
		d.now, d.applied = map[int32]string{}, 0
	}
	for d.applied < len(states) && (d.applied == 0 || states[d.applied].at <= at) {
		for _, c := range states[d.applied].changes {
			c.apply(d.now)
		}
		d.applied++
	}
}

// everything is each instance that a domain ever had, with its last name.
func (h *history) everything() []Instance {
	last := map[int32]string{}
	for _, state := range h.states {
		for _, c := range state.changes {
			if !c.removed {
				last[c.instance] = c.name
			}
		}
	}
	out := make([]Instance, 0, len(last))
	for id, name := range last {
		out = append(out, Instance{id, name})
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}
