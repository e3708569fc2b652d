package archive

import (
	"errors"
	"fmt"
	"io"
)

// maxMetadata bounds what is kept of a metadata file: a day of a host with 1,000 short-lived processes a minute needs half of it.
const maxMetadata = 48 << 20

// The kinds of records in a metadata file. Version 3 has its own for those with a time.
const (
	recordDescription = 1
	recordDomain2     = 2
	recordLabels2     = 3
	recordHelp        = 4
	recordDomain3     = 5
	recordDelta3      = 6
	recordLabels3     = 7
)

// metadata is what a metadata file says, as far as it was read.
type metadata struct {
	version int
	byID    map[MetricID]*Metric
	byName  map[string]*Metric
	domains map[InstanceDomain]*history
	labels  map[labelSubject][]labelState
	help    map[helpSubject]string

	names map[string]string // each text once
	kept  int               // bytes, about
}

func newMetadata(version int) *metadata {
	return &metadata{
		version: version,
		byID:    map[MetricID]*Metric{}, byName: map[string]*Metric{}, domains: map[InstanceDomain]*history{},
		labels: map[labelSubject][]labelState{}, help: map[helpSubject]string{}, names: map[string]string{},
	}
}

var errMetadata = fmt.Errorf("the metadata needs more than %d MiB of memory", maxMetadata>>20)

// read takes the records up to a byte of the file.
func (m *metadata) read(in *frames, until int64) error {
	for in.offset < until {
		at := in.offset
		raw, err := in.next()
		if err == io.EOF { //nolint:errorlint // next returns it as it is.
			return nil
		}
		if err != nil {
			return err
		}
		err = m.record(raw)
		if err == nil && m.kept > maxMetadata {
			err = errMetadata
		}
		if err != nil {
			return &FormatError{in.name, at, err}
		}
	}
	return nil
}

func (m *metadata) record(raw []byte) error {
	in := &fields{rest: raw}
	var err error
	switch kind := in.uint32(); kind {
	case recordDescription:
		err = m.description(in)
	case recordDomain2, recordDomain3:
		err = m.instances(in, true)
	case recordDelta3:
		err = m.instances(in, false)
	case recordLabels2, recordLabels3:
		err = m.labelSets(in)
	case recordHelp:
		m.helpText(in)
	default:
		err = fmt.Errorf("a record of the unknown kind %d", kind)
	}
	if err == nil && in.short {
		err = errShort
	}
	return err
}

// once is the one copy of a text.
func (m *metadata) once(raw []byte) string {
	if known, ok := m.names[string(raw)]; ok {
		return known
	}
	name := string(raw)
	m.names[name] = name
	m.keep(2*len(name) + 64)
	return name
}

func (m *metadata) keep(bytes int) { m.kept += bytes }

// description of a metric. The first one counts; a later one can add names.
func (m *metadata) description(in *fields) error {
	found := Metric{ID: MetricID(in.uint32()), Type: Type(in.uint32()), Domain: InstanceDomain(in.uint32())} //nolint:gosec // See below.
	found.Semantics = Semantics(in.uint32())                                                                 //nolint:gosec // Unknown ones have no name.
	found.Units = unpackUnits(in.uint32())
	count := in.uint32()
	for range min(count, uint32(len(in.rest)/4)) { //nolint:gosec // A record is not as long.
		name := in.bytes(int(in.uint32()))
		if in.short {
			return errShort
		}
		found.Names = append(found.Names, m.once(name))
	}
	if len(found.Names) == 0 {
		return errors.New("a metric without a name")
	}
	metric := m.byID[found.ID]
	if metric == nil {
		metric = &found
		metric.Name = found.Names[0]
		m.byID[found.ID] = metric
		m.keep(256)
	}
	for _, name := range found.Names {
		if m.byName[name] == nil {
			m.byName[name] = metric.named(name)
			m.keep(128)
		}
	}
	return nil
}

// Help kinds of PMAPI(3): bits.
const (
	helpShort  = 1
	helpLong   = 2
	helpMetric = 4
)

type helpSubject struct {
	id     uint32
	long   bool
	metric bool
}

func (m *metadata) helpText(in *fields) {
	kind := in.uint32()
	subject := helpSubject{in.uint32(), kind&helpLong != 0, kind&helpMetric != 0}
	if help := text(in.rest); help != "" && kind&(helpShort|helpLong) != 0 {
		m.keep(len(help) - len(m.help[subject]) + 64)
		m.help[subject] = help
	}
}
