package archive

import (
	"io"
	"sort"
)

// position is one entry of the temporal index: no record that comes physically before it has a later time.
type position struct {
	at       stamp
	volume   int
	metadata int64
	offset   int64
}

// maxIndex bounds the entries that are kept. pmlogger writes about 5,000 a day.
const maxIndex = 1 << 19

// readIndex reads an index. It only makes reading faster, so one that is missing or damaged counts as far as it can be read.
func readIndex(f file) []position {
	in, end, err := f.frames(0)
	if err != nil {
		return nil
	}
	defer end()
	label, err := in.readLabel(indexVolume)
	if err != nil {
		return nil
	}
	if _, err = in.in.Discard(in.last); err != nil {
		return nil
	}
	return readPositions(in.in, label.Version)
}

// readPositions ends at the first entry that is incomplete, or earlier than the one before.
func readPositions(in io.Reader, version int) []position {
	length := map[int]int{2: 20, 3: 32}[version]
	var out []position
	for raw := make([]byte, length); len(out) < maxIndex; {
		if _, err := io.ReadFull(in, raw); err != nil {
			break
		}
		entry, err := parsePosition(&fields{rest: raw}, version)
		if err != nil || len(out) > 0 && !entry.after(out[len(out)-1]) {
			break
		}
		out = append(out, entry)
	}
	return out
}

func parsePosition(in *fields, version int) (position, error) {
	at, err := in.stamp(version)
	p := position{at: at, volume: int(in.int32())}
	if version == 3 {
		p.metadata, p.offset = in.split64(), in.split64()
	} else {
		p.metadata, p.offset = int64(in.uint32()), int64(in.uint32())
	}
	if p.offset < 0 || p.metadata < 0 {
		return p, errShort
	}
	return p, err
}

func (p position) after(other position) bool {
	return p.at >= other.at && p.metadata >= other.metadata &&
		(p.volume > other.volume || p.volume == other.volume && p.offset >= other.offset)
}

// before is the number of entries that are earlier than a time: reading from the last of them misses nothing of that time.
func before(index []position, at stamp) int {
	return sort.Search(len(index), func(i int) bool { return index[i].at >= at })
}
