package yamledit

import (
	"bytes"
	"strings"
)

// span of text.
type span struct{ start, end int }

// flow is the text of a flow collection: its items, and where it ends, behind the closing bracket.
type flow struct {
	span
	items []span
}

// flowScanner finds the items of a flow collection. It trusts the text, which has been parsed before.
type flowScanner struct {
	text []byte
	at   int
	// depth of brackets, 1 inside the collection.
	depth int
	// opens tells whether a quote here opens a quoted scalar: inside a plain one (it's) it does not.
	opens bool
	item  *span
	found flow
}

func scanFlow(text []byte, start int) flow {
	s := flowScanner{text: text, at: start + 1, depth: 1, opens: true, found: flow{span: span{start, len(text)}}}
	for s.at < len(text) && s.depth > 0 {
		s.step()
	}
	if s.depth == 0 {
		s.found.end = s.at
	}
	return s.found
}

func (s *flowScanner) step() {
	switch c := s.text[s.at]; c {
	case ' ', '\t', '\r', '\n':
		s.at++
	case '[', '{':
		s.take(s.at+1, true)
		s.depth++
	case ']', '}':
		s.bracket()
	case ',':
		s.comma()
	default:
		s.scalar(c)
	}
}

// scalar takes a quoted scalar as a whole, and of a plain one a character.
func (s *flowScanner) scalar(c byte) {
	switch {
	case c == '#' && strings.IndexByte(" \t\r\n", s.text[s.at-1]) >= 0:
		s.at += lineLength(s.text[s.at:])
	case s.opens && (c == '"' || c == '\''):
		s.take(quotedEnd(s.text, s.at), false)
	case s.opens && (c == '&' || c == '!'):
		s.take(s.at+wordLength(s.text[s.at:]), true)
	default:
		s.take(s.at+1, c == ':' && s.separates())
	}
}

func (s *flowScanner) comma() {
	if s.depth > 1 {
		s.take(s.at+1, true)
		return
	}
	s.at++
	s.close()
}

// take adds the text up to end to the current item.
func (s *flowScanner) take(end int, opens bool) {
	if s.item == nil {
		s.item = &span{start: s.at}
	}
	s.item.end = end
	s.at, s.opens = end, opens
}

func (s *flowScanner) bracket() {
	s.depth--
	if s.depth > 0 {
		s.take(s.at+1, false)
		return
	}
	s.at++
	s.close()
}

func (s *flowScanner) close() {
	if s.item != nil {
		s.found.items = append(s.found.items, *s.item)
	}
	s.item, s.opens = nil, true
}

// separates tells whether the colon here ends a key: it stands before white space, or behind a quoted key.
func (s *flowScanner) separates() bool {
	behind := s.at + 1
	return behind == len(s.text) || strings.IndexByte(" \t\r\n\"'{[", s.text[behind]) >= 0 ||
		strings.IndexByte("\"'", s.text[s.at-1]) >= 0
}

func lineLength(text []byte) int {
	if n := bytes.IndexAny(text, "\r\n"); n >= 0 {
		return n
	}
	return len(text)
}
