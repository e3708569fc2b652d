//go:build linux

package supervisor

import (
	"bufio"
	"errors"
	"io"
	"slices"
	"sync"
)

// Log writes what services print, each line after the service's name.
type Log struct {
	mutex sync.Mutex
	to    io.Writer
}

// NewLog writes to a stream.
func NewLog(to io.Writer) *Log { return &Log{to: to} }

// Write implements io.Writer, for the lines of this process itself.
func (l *Log) Write(text []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.to.Write(text)
}

// maxLine is where a line is cut in two.
const maxLine = 8 << 10

// Copy writes the lines of a service until nobody can add any more.
func (l *Log) Copy(service string, from io.Reader) {
	lines := bufio.NewReaderSize(from, maxLine)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			if line[len(line)-1] != '\n' {
				line = append(slices.Clip(line), '\n')
			}
			_, _ = l.Write(append([]byte(service+": "), line...)) // There is no other place to say it.
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}
