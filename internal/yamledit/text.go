package yamledit

import (
	"bytes"
	"sort"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v3"
)

// otherBreaks are line breaks for the YAML parser, but for hardly anybody else.
const otherBreaks = "\r\u0085\u2028\u2029"

// hasOtherBreaks: the parser counts them as line breaks, and this package does not.
func hasOtherBreaks(text []byte) bool {
	return bytes.ContainsAny(bytes.ReplaceAll(text, []byte("\r\n"), nil), otherBreaks)
}

// source is the text by lines, which end with LF. Lines, columns and offsets start at 0.
type source struct {
	text   []byte
	starts []int
}

func newSource(text []byte) *source {
	s := &source{text: text, starts: []int{0}}
	for line := range bytes.Lines(text) {
		s.starts = append(s.starts, s.starts[len(s.starts)-1]+len(line))
	}
	return s
}

// offset of a node, with its anchor and tag. The parser's lines and columns start at 1, and its columns count characters.
func (s *source) offset(n *yaml.Node) int {
	at := s.starts[n.Line-1]
	for range n.Column - 1 {
		_, size := utf8.DecodeRune(s.text[at:])
		at += size
	}
	return at
}

func (s *source) line(offset int) int {
	return min(sort.SearchInts(s.starts, offset+1)-1, len(s.starts)-2)
}

// column of an offset in bytes. It is only used for indentation, where it is the same in characters.
func (s *source) column(offset int) int {
	return offset - s.starts[s.line(offset)]
}

func (s *source) lineText(line int) string {
	if line+1 >= len(s.starts) {
		return ""
	}
	return string(s.text[s.starts[line]:s.starts[line+1]])
}

func (s *source) indent(line int) int {
	text := s.lineText(line)
	return len(text) - len(strings.TrimLeft(text, " "))
}

func (s *source) blank(line int) bool {
	return strings.TrimSpace(s.lineText(line)) == ""
}

// comments is the last line of the block of comments that follows a line and is indented by at least that many columns. Such a block
// belongs to what is above it.
func (s *source) comments(line, least int) int {
	for strings.HasPrefix(strings.TrimSpace(s.lineText(line+1)), "#") && s.indent(line+1) >= least {
		line++
	}
	return line
}

// skip moves over white space, line breaks and comments.
func skip(text []byte, at int) int {
	for at < len(text) && strings.IndexByte(" \t\r\n#", text[at]) >= 0 {
		if text[at] == '#' {
			at += lineLength(text[at:])
		} else {
			at++
		}
	}
	return at
}

func lineLength(text []byte) int {
	if n := bytes.IndexByte(text, '\n'); n >= 0 {
		return n
	}
	return len(text)
}

// start is where a node's own text starts, after its anchor and tag.
func (s *source) start(n *yaml.Node) int {
	at := s.offset(n)
	if n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return at
	}
	for at < len(s.text) && (s.text[at] == '&' || s.text[at] == '!') {
		at = skip(s.text, at+wordLength(s.text[at:]))
	}
	return at
}

func wordLength(text []byte) int {
	if n := bytes.IndexAny(text, " \t\r\n"); n >= 0 {
		return n
	}
	return len(text)
}

// scalarEnd is where a scalar's text ends, without the comment and the line break after it.
func (s *source) scalarEnd(n *yaml.Node) int {
	at := s.start(n)
	switch {
	case n.Kind == yaml.AliasNode:
		return at + len("*") + len(n.Value)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.blockEnd(n, at)
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return quotedEnd(s.text, at)
	}
	// The words of a plain scalar are in the text as they are.
	for n, word := range strings.FieldsFunc(n.Value, isSpace) {
		if n > 0 {
			at = skip(s.text, at)
		}
		at += len(word)
	}
	return min(at, len(s.text))
}

func isSpace(r rune) bool {
	return r == ' ' || r == '\t' || r == '\n'
}

// blockEnd: a block scalar (| or >) continues while lines are indented as its first one.
func (s *source) blockEnd(n *yaml.Node, at int) int {
	header := s.line(at)
	keep := bytes.IndexByte(s.text[at:at+wordLength(s.text[at:])], '+') >= 0
	last, least := header, -1
	for line := header + 1; line+1 < len(s.starts); line++ {
		switch {
		case s.blank(line):
			if keep && last == line-1 {
				last = line
			}
			continue
		case least < 0:
			least = s.indent(line) - leadingSpaces(n.Value)
		}
		if s.indent(line) < least || strings.TrimSpace(n.Value) == "" {
			break
		}
		last = line
	}
	return s.starts[last+1] - len("\n")
}

// leadingSpaces of the first line that is not blank.
func leadingSpaces(text string) int {
	text = strings.TrimLeft(text, "\n")
	return len(text) - len(strings.TrimLeft(text, " "))
}

// quotedEnd is the offset after the closing quote.
func quotedEnd(text []byte, at int) int {
	quote := text[at]
	for at++; at < len(text); at++ {
		switch {
		case quote == '"' && text[at] == '\\':
			at++
		case text[at] == quote && quote == '\'' && at+1 < len(text) && text[at+1] == quote:
			at++
		case text[at] == quote:
			return at + 1
		}
	}
	return len(text)
}
