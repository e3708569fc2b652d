package archive

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"path"

	"github.com/klauspost/compress/zstd"
	"github.com/therootcompany/xz"
)

// maxWindow bounds what a decompressor keeps. xz -0 to -7 and zstd without --long or --ultra need less.
const maxWindow = 16 << 20

// file is one of an archive's, plain or compressed.
type file struct {
	fsys fs.FS
	// name is within fsys, with the suffix of the compression.
	name   string
	method method
	// size is as stored.
	size int64
}

// method of compression: the suffix of a file's name, or nothing.
type method string

var methods = map[method]func(io.Reader) (io.Reader, func(), error){
	".xz":  unxz,
	".zst": unzstd,
	".gz":  ungzip,
}

func unxz(in io.Reader) (io.Reader, func(), error) {
	out, err := xz.NewReader(in, maxWindow)
	return out, func() {}, err //nolint:wrapcheck // at does.
}

func unzstd(in io.Reader) (io.Reader, func(), error) {
	out, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, nil, err //nolint:wrapcheck // at does.
	}
	return out, out.Close, nil
}

func ungzip(in io.Reader) (io.Reader, func(), error) {
	out, err := gzip.NewReader(in)
	return out, func() {}, err //nolint:wrapcheck // at does.
}

// content is a file that is being read.
type content struct {
	io.Reader
	close func()
}

// at opens the file, decompressed, at a byte. A compressed one has to be read up to there.
func (f file) at(offset int64) (*content, error) {
	opened, err := f.fsys.Open(f.name)
	if err != nil {
		return nil, fmt.Errorf("failed to open a file of an archive: %w", err)
	}
	closeFile := func() { _ = opened.Close() } // It was only read.
	decompress, compressed := methods[f.method]
	if !compressed {
		in, err := plainAt(opened, offset)
		if err != nil {
			closeFile()
			return nil, fmt.Errorf("failed to read %s: %w", f.name, err)
		}
		return &content{in, closeFile}, nil
	}
	in, end, err := decompress(opened)
	if err == nil {
		_, err = io.CopyN(io.Discard, in, offset)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		closeFile()
		return nil, fmt.Errorf("failed to decompress %s: %w", f.name, err)
	}
	return &content{&decompressed{in, f.name}, func() { end(); closeFile() }}, nil
}

func plainAt(opened fs.File, offset int64) (io.Reader, error) {
	if random, ok := opened.(io.ReaderAt); ok {
		return io.NewSectionReader(random, offset, math.MaxInt64-offset), nil
	}
	_, err := io.CopyN(io.Discard, opened, offset)
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return opened, err
}

// decompressed says what failed. A compressed file that ends early is truncated, as a plain one is.
type decompressed struct {
	in   io.Reader
	name string
}

func (d *decompressed) Read(to []byte) (int, error) {
	n, err := d.in.Read(to)
	switch {
	case err == nil, err == io.EOF, errors.Is(err, io.ErrUnexpectedEOF):
		return n, err
	default:
		return n, fmt.Errorf("failed to decompress: %w", err)
	}
}

// frames reads the file's records from a byte on. The caller closes what is returned.
func (f file) frames(offset int64) (*frames, func(), error) {
	in, err := f.at(offset)
	if err != nil {
		return nil, nil, err
	}
	size := f.size - offset
	if f.method != "" {
		size = readAhead
	}
	return newFrames(path.Base(f.name), in, offset, size), in.close, nil
}
