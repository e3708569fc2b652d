package yamledit

import (
	"bytes"
	"strings"

	yaml "go.yaml.in/yaml/v3"
)

// start is where a node's own text starts, behind its anchor and tag: the parser tells only where those start.
func (s *source) start(n *yaml.Node) int {
	at := s.offset(n.Line, n.Column)
	if n.Anchor == "" && n.Style&yaml.TaggedStyle == 0 {
		return at
	}
	for at < len(s.text) && (s.text[at] == '&' || s.text[at] == '!') {
		at = s.skipSpace(at + wordLength(s.text[at:]))
	}
	return at
}

func wordLength(text []byte) int {
	if n := bytes.IndexAny(text, " \t\r\n"); n >= 0 {
		return n
	}
	return len(text)
}

// end is where a node's text ends, without the comment and the line break behind it. Outer is the column of the node around
// it: continued lines are indented further.
func (s *source) end(n *yaml.Node, outer int) int {
	switch {
	case n.Kind == yaml.ScalarNode:
		return s.scalarEnd(n, outer)
	case n.Kind == yaml.AliasNode:
		at := s.offset(n.Line, n.Column)
		return at + wordLength(s.text[at:])
	case flowStyle(n):
		return scanFlow(s.text, s.start(n)).end
	case n.Kind == yaml.MappingNode:
		return s.end(n.Content[len(n.Content)-1], s.mappingColumn(n))
	default:
		return s.end(n.Content[len(n.Content)-1], s.sequenceColumn(n))
	}
}

// flowStyle: empty collections have no other.
func flowStyle(n *yaml.Node) bool {
	return n.Style&yaml.FlowStyle != 0 || len(n.Content) == 0
}

func (s *source) mappingColumn(n *yaml.Node) int {
	return s.column(s.offset(n.Content[0].Line, n.Content[0].Column))
}

// sequenceColumn is the column of the dashes.
func (s *source) sequenceColumn(n *yaml.Node) int {
	return s.column(s.start(n))
}

func (s *source) scalarEnd(n *yaml.Node, outer int) int {
	at := s.start(n)
	switch {
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.blockScalarEnd(at, outer)
	case n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0:
		return quotedEnd(s.text, at)
	case n.Value == "" && n.Tag == "!!null":
		return at
	default:
		return s.plainEnd(at, outer)
	}
}

// blockScalarEnd: the first line that is not blank sets the indentation, unless the header (|2) does.
func (s *source) blockScalarEnd(at, outer int) int {
	header := s.line(at)
	indicators := s.text[at : at+wordLength(s.text[at:])]
	indent, last := -1, header
	if n := bytes.IndexAny(indicators, "123456789"); n >= 0 {
		indent = max(outer, 0) + int(indicators[n]-'0')
	}
	for line := header + 1; line < len(s.starts); line++ {
		if s.blank(line) {
			continue
		}
		if indent < 0 {
			indent = max(s.indent(line), outer+1)
		}
		if s.indent(line) < indent {
			break
		}
		last = line
	}
	if bytes.IndexByte(indicators, '+') >= 0 {
		last = s.trailingBlanks(last)
	}
	if last == header {
		return at + len(indicators)
	}
	return s.lineEnd(last)
}

func (s *source) trailingBlanks(line int) int {
	for line+1 < len(s.starts) && s.blank(line+1) && s.starts[line+1] < len(s.text) {
		line++
	}
	return line
}

// quotedEnd is behind the closing quote.
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

// plainEnd: a plain scalar goes on in lines that are indented further, until a comment.
func (s *source) plainEnd(at, outer int) int {
	line := s.line(at)
	length, commented := plainLength(string(s.text[at:s.lineEnd(line)]))
	end := at + length
	for line++; line < len(s.starts) && !commented; line++ {
		if s.blank(line) {
			continue
		}
		if s.comment(line) || s.indent(line) <= outer {
			break
		}
		length, commented = plainLength(s.lineText(line))
		end = s.starts[line] + length
	}
	return end
}

// plainLength is the length of a line of a plain scalar without the comment behind it, and whether there is one.
func plainLength(line string) (length int, commented bool) {
	for n := 1; n < len(line); n++ {
		if line[n] == '#' && strings.IndexByte(" \t", line[n-1]) >= 0 {
			line, commented = line[:n], true
			break
		}
	}
	return len(strings.TrimRight(line, " \t")), commented
}
