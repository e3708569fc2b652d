package archive

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	// maxRecord bounds one record. The largest that is known, of a host with 10,000 processes, has 3 MiB.
	maxRecord = 16 << 20
	// readAhead is how much is read at once, which also is what one request over HTTP fetches.
	readAhead = 256 << 10
	// frameWord is the length before and after each record, which counts both.
	frameWord = 4
)

// frames reads the records of a file one after the other: each stands between two copies of its length.
type frames struct {
	name   string
	in     *bufio.Reader
	offset int64 // of the record that next reads
	last   int   // length of the one before, which is still in the reader's buffer
	large  []byte
}

// newFrames reads from a byte on of a file that has a size; a larger one is only slower to read.
func newFrames(name string, in io.Reader, offset, size int64) *frames {
	return &frames{name: name, in: bufio.NewReaderSize(in, int(min(max(size, 512), readAhead))), offset: offset}
}

// next returns what stands between the two lengths, until the next call. It fails with io.EOF where the file ends between two records.
func (f *frames) next() ([]byte, error) {
	if _, err := f.in.Discard(f.last); err != nil {
		return nil, f.failed(err)
	}
	f.last = 0
	head, err := f.in.Peek(frameWord)
	if len(head) == 0 && errors.Is(err, io.EOF) {
		return nil, io.EOF
	}
	if err != nil {
		return nil, f.failed(err)
	}
	length := int(binary.BigEndian.Uint32(head))
	if length < 2*frameWord || length > maxRecord {
		return nil, f.failed(fmt.Errorf("a record of %d bytes: only 8 to %d are possible", length, maxRecord))
	}
	whole, err := f.record(length)
	if err != nil {
		return nil, f.failed(err)
	}
	if again := int(binary.BigEndian.Uint32(whole[length-frameWord:])); again != length {
		return nil, f.failed(fmt.Errorf("a record of %d bytes ends with the length %d", length, again))
	}
	f.offset += int64(length)
	return whole[frameWord : length-frameWord], nil
}

func (f *frames) record(length int) ([]byte, error) {
	if length <= f.in.Size() {
		f.last = length
		whole, err := f.in.Peek(length)
		return whole, err //nolint:wrapcheck // failed does.
	}
	// The memory grows with what is read, not with what a length promises.
	f.large = f.large[:0]
	for len(f.large) < length {
		part := min(length-len(f.large), readAhead)
		at := len(f.large)
		f.large = append(f.large, make([]byte, part)...)
		if _, err := io.ReadFull(f.in, f.large[at:]); err != nil {
			return nil, err
		}
	}
	return f.large, nil
}

func (f *frames) failed(reason error) error {
	if errors.Is(reason, io.EOF) || errors.Is(reason, io.ErrUnexpectedEOF) {
		reason = ErrTruncated
	}
	return &FormatError{f.name, f.offset, reason}
}

// fields takes the parts of a record. After the first one that is not there, all are zero and short is set.
type fields struct {
	rest  []byte
	short bool
}

var errShort = errors.New("a record ends before its contents do")

func (f *fields) bytes(count int) []byte {
	if count < 0 || count > len(f.rest) {
		f.short, f.rest = true, nil
		return nil
	}
	part := f.rest[:count]
	f.rest = f.rest[count:]
	return part
}

func (f *fields) uint32() uint32 {
	if part := f.bytes(4); part != nil {
		return binary.BigEndian.Uint32(part)
	}
	return 0
}

func (f *fields) int32() int32 { return int32(f.uint32()) } //nolint:gosec // The bits are those of a signed number.

// split64 is a number that version 3 writes as two words, the low one first.
func (f *fields) split64() int64 {
	low := int64(f.uint32())
	return int64(f.int32())<<32 | low
}

// text ends at the first zero byte.
func text(raw []byte) string {
	for at, c := range raw {
		if c == 0 {
			return string(raw[:at])
		}
	}
	return string(raw)
}

// failedAt is the error of the record that was read last.
func (f *frames) failedAt(reason error) error {
	return &FormatError{f.name, f.offset, reason}
}
