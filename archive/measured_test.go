package archive_test

import (
	"io"
	"io/fs"
	"sync/atomic"
	"testing/fstest"
)

// measured counts the bytes that are read of files.
type measured struct {
	fstest.MapFS
	read atomic.Int64
}

func (m *measured) Open(name string) (fs.File, error) {
	file, err := m.MapFS.Open(name)
	if random, ok := file.(io.ReaderAt); ok {
		return &measuredFile{file, random, &m.read}, nil
	}
	return file, err
}

type measuredFile struct {
	fs.File
	random io.ReaderAt
	read   *atomic.Int64
}

func (m *measuredFile) ReadAt(to []byte, offset int64) (int, error) {
	n, err := m.random.ReadAt(to, offset)
	m.read.Add(int64(n))
	return n, err
}
