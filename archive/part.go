package archive

import (
	"errors"
	"io"
	"math"
	"path"
	"time"
)

// part is one archive of those that are read as one.
type part struct {
	files Files
	label Label
	index []position
	meta  *metadata

	// metaIn reads on in the metadata, until it is closed; metaErr is what it failed with.
	metaIn    *frames
	metaClose func()
	metaErr   error
}

func openPart(files Files) (*part, error) {
	in, end, err := files.metadata.frames(0)
	if err != nil {
		return nil, err
	}
	label, err := in.readLabel(metadataVolume)
	if err != nil {
		end()
		return nil, err
	}
	p := &part{files: files, label: label, meta: newMetadata(label.Version), metaIn: in, metaClose: end}
	if files.index.name != "" {
		p.index = readIndex(files.index)
	}
	return p, nil
}

func (p *part) close() {
	if p.metaClose != nil {
		p.metaClose()
	}
	p.metaIn, p.metaClose = nil, nil
}

// load reads the metadata that values up to a time need. What cannot be read is found in metaErr.
func (p *part) load(until stamp) {
	if p.metaIn == nil {
		return
	}
	limit := int64(math.MaxInt64)
	if until < forever {
		if later := before(p.index, until+1); later < len(p.index) {
			limit = p.index[later].metadata
		}
	}
	err := p.meta.read(p.metaIn, limit)
	if err != nil || limit == math.MaxInt64 {
		p.metaErr = err
		p.close()
	}
}

// start is when the recording began.
func (p *part) start() stamp { return stampOf(p.label.Start) }

// reach is how far the index says that the archive goes: to its end, if pmlogger was stopped as it should be.
func (p *part) reach() stamp {
	if len(p.index) == 0 {
		return p.start()
	}
	return p.index[len(p.index)-1].at
}

// end is the time of the last record. A volume is compressed after its end, which the index knows, so that it need not be decompressed.
func (p *part) end() (stamp, error) {
	volumes := p.files.volumes
	if len(p.index) > 0 && volumes[len(volumes)-1].method != "" {
		return p.reach(), nil
	}
	r := p.records(p.reach())
	defer r.close()
	last := p.reach()
	for {
		found, err := r.next()
		if err != nil {
			return last, r.damage
		}
		last = max(last, found.at)
	}
}

// afterEnd is how much later than an archive's last record the interruption begins, as libpcp has it.
const afterEnd = stamp(time.Millisecond)

// reader reads results, from volume to volume. Where a volume is damaged, the interruption ends with the next one.
type reader struct {
	part   *part
	volume int // index of the one that is open, or comes next
	in     *frames
	end    func()
	ahead  *result
	last   stamp
	damage error
}

// records reads the results from a time on, and perhaps some earlier ones.
func (p *part) records(from stamp) *reader {
	return p.recordsFrom(before(p.index, from) - 1)
}

// recordsFrom reads from an entry of the index on; from the start, if there is none.
func (p *part) recordsFrom(entry int) *reader {
	r := &reader{part: p, last: p.start()}
	if entry < 0 {
		return r
	}
	at := p.index[entry]
	volumes := p.files.volumes
	for r.volume < len(volumes) && volumes[r.volume].number < at.volume {
		r.volume++
	}
	if r.volume < len(volumes) && volumes[r.volume].number == at.volume {
		r.seek(at.offset)
	}
	return r
}

// seek opens the volume where the index says. If there is no record, the index is wrong, and the volume is read from its beginning.
func (r *reader) seek(offset int64) {
	if offset < int64(labelLengths[r.part.label.Version]) {
		return
	}
	in, end, err := r.part.files.volumes[r.volume].frames(offset)
	if err != nil {
		return
	}
	raw, err := in.next()
	if err == io.EOF { //nolint:errorlint // next returns it as it is.
		r.in, r.end = in, end
		return
	}
	if err == nil {
		if found, err := parseResult(raw, r.part.label.Version); err == nil {
			r.in, r.end, r.ahead = in, end, &found
			return
		}
	}
	end()
}

func (r *reader) close() {
	if r.end != nil {
		r.end()
	}
	r.in, r.end = nil, nil
}

// next result, or io.EOF. What cannot be read is found in damage.
func (r *reader) next() (result, error) {
	if ahead := r.ahead; ahead != nil {
		r.ahead = nil
		return *ahead, nil
	}
	for r.volume < len(r.part.files.volumes) {
		found, err := r.inVolume()
		if err == nil {
			r.last = found.at
			return found, nil
		}
		r.close()
		r.volume++
		if err == io.EOF { //nolint:errorlint // inVolume returns it as it is.
			continue
		}
		if r.damage == nil {
			r.damage = err
		}
		if r.volume < len(r.part.files.volumes) {
			return result{at: r.last + afterEnd}, nil
		}
	}
	return result{}, io.EOF
}

func (r *reader) inVolume() (result, error) {
	if r.in == nil {
		if err := r.open(); err != nil {
			return result{}, err
		}
	}
	at := r.in.offset
	raw, err := r.in.next()
	if err != nil {
		return result{}, err
	}
	found, err := parseResult(raw, r.part.label.Version)
	if err != nil {
		return found, &FormatError{r.in.name, at, err}
	}
	return found, nil
}

func (r *reader) open() error {
	v := r.part.files.volumes[r.volume]
	in, end, err := v.frames(0)
	if err != nil {
		return err
	}
	r.in, r.end = in, end
	label, err := in.readLabel(v.number)
	if err == nil && label.Version != r.part.label.Version {
		err = &FormatError{path.Base(v.name), 0, errors.New("the volume is of another version than the metadata")}
	}
	return err
}
