package archive

import (
	"fmt"
	"io"
	"time"
)

// Label is what each file of an archive begins with.
type Label struct {
	// Version of the format: 2 or 3.
	Version int
	// PID of the pmlogger that wrote the archive.
	PID int
	// Start of the recording.
	Start time.Time
	// Host that the values are of.
	Host string
	// Timezone of the host, such as CET-1, and its name, such as :Europe/Berlin, which version 3 has.
	Timezone, Zoneinfo string
}

const (
	labelMagic = 0x50052600
	// The numbers that stand for a volume's in the other files.
	metadataVolume = -1
	indexVolume    = -2
)

var labelLengths = map[int]int{2: 132, 3: 808}

// readLabel reads the first record of a file.
func (f *frames) readLabel(volume int) (Label, error) {
	raw, err := f.next()
	if err == io.EOF { //nolint:errorlint // next returns it as it is.
		return Label{}, f.failed(err)
	}
	if err != nil {
		return Label{}, err
	}
	label, found, err := parseLabel(raw)
	if err == nil && found != volume {
		err = fmt.Errorf("the label says that it is of volume %d", found)
	}
	if err != nil {
		return Label{}, &FormatError{f.name, 0, err}
	}
	return label, nil
}

func parseLabel(raw []byte) (label Label, volume int, err error) {
	in := &fields{rest: raw}
	magic := in.uint32()
	label.Version = int(magic & 0xff)
	if magic&^0xff != labelMagic || labelLengths[label.Version] != len(raw)+2*frameWord {
		return label, 0, fmt.Errorf("not the label of a PCP archive of version 2 or 3 (%#08x, %d bytes)", magic, len(raw))
	}
	label.PID = int(in.int32())
	start, err := in.stamp(label.Version)
	if err != nil {
		return label, 0, err
	}
	label.Start = start.time()
	volume = int(in.int32())
	if label.Version == 2 {
		label.Host, label.Timezone = text(in.bytes(64)), text(in.bytes(40))
		return label, volume, nil
	}
	if features := in.uint32(); features != 0 {
		return label, 0, fmt.Errorf("the archive needs features that this reader does not have (%#x)", features)
	}
	in.bytes(4)
	label.Host, label.Timezone, label.Zoneinfo = text(in.bytes(256)), text(in.bytes(256)), text(in.bytes(256))
	return label, volume, nil
}
