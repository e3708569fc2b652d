package yamledit

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"
)

// source is the text by lines, which are counted as the YAML parser counts them. Lines and offsets start at 0.
type source struct {
	text   []byte
	starts []int
	eol    string
}

func newSource(text []byte) *source {
	s := &source{text: text, starts: []int{0}, eol: "\n"}
	for at := 0; at < len(text); {
		width := breakWidth(text[at:])
		if width == 0 {
			at++
			continue
		}
		at += width
		s.starts = append(s.starts, at)
	}
	if len(s.starts) > 1 && bytes.HasSuffix(text[:s.starts[1]], []byte("\r\n")) {
		s.eol = "\r\n"
	}
	return s
}

// breakWidth is the length of the line break at the start of the text, 0 where there is none. YAML 1.1 knows more of them
// than LF: CR, NEL, LS and PS.
func breakWidth(text []byte) int {
	switch text[0] {
	case '\n':
		return 1
	case '\r':
		if len(text) > 1 && text[1] == '\n' {
			return 2
		}
		return 1
	case 0xC2:
		if bytes.HasPrefix(text, []byte("\u0085")) {
			return 2
		}
	case 0xE2:
		if bytes.HasPrefix(text, []byte("\u2028")) || bytes.HasPrefix(text, []byte("\u2029")) {
			return 3
		}
	}
	return 0
}

// offset of a node's position: its lines and columns start at 1, and columns count characters.
func (s *source) offset(line, column int) int {
	if line < 1 || line > len(s.starts) {
		return len(s.text)
	}
	at := s.starts[line-1]
	for range column - 1 {
		if at >= len(s.text) {
			break
		}
		_, width := utf8.DecodeRune(s.text[at:])
		at += width
	}
	return at
}

func (s *source) line(offset int) int {
	return sort.SearchInts(s.starts, offset+1) - 1
}

// column of an offset in bytes, from 0: the same as in characters for indentation, which is all that it is used for.
func (s *source) column(offset int) int {
	return offset - s.starts[s.line(offset)]
}

// next is where the following line starts.
func (s *source) next(line int) int {
	if line+1 < len(s.starts) {
		return s.starts[line+1]
	}
	return len(s.text)
}

// lineText is a line without its break.
func (s *source) lineText(line int) string {
	return strings.TrimRight(string(s.text[s.starts[line]:s.next(line)]), "\r\n\u0085\u2028\u2029")
}

func (s *source) lineEnd(line int) int {
	return s.starts[line] + len(s.lineText(line))
}

func (s *source) indent(line int) int {
	text := s.lineText(line)
	return len(text) - len(strings.TrimLeft(text, " "))
}

func (s *source) blank(line int) bool {
	return strings.TrimSpace(s.lineText(line)) == ""
}

func (s *source) comment(line int) bool {
	return strings.HasPrefix(strings.TrimSpace(s.lineText(line)), "#")
}

// comments is the last line of the block of comments that follows a line and is indented by at least that many columns: it
// belongs to what stands above it.
func (s *source) comments(line, least int) int {
	for line+1 < len(s.starts) && s.comment(line+1) && s.indent(line+1) >= least {
		line++
	}
	return line
}

// fresh tells whether only white space stands before the offset in its line.
func (s *source) fresh(offset int) bool {
	return len(bytes.TrimSpace(s.text[s.starts[s.line(offset)]:offset])) == 0
}

// skipSpace moves over white space, line breaks and comments.
func (s *source) skipSpace(at int) int {
	for at < len(s.text) {
		switch {
		case strings.IndexByte(" \t\r\n", s.text[at]) >= 0:
			at++
		case s.text[at] == '#':
			at = s.lineEnd(s.line(at))
		default:
			return at
		}
	}
	return at
}
