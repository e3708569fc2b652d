package yamledit

import (
	"bytes"
	"slices"
	"strings"
)

// apply makes all edits. Those at one place stay in their order, so that what belongs to an inner collection stands before
// what belongs to the one around it.
func (e *editor) apply() ([]byte, error) {
	e.cutLines()
	slices.SortStableFunc(e.edits, func(a, b edit) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return min(a.end-a.start, 1) - min(b.end-b.start, 1)
	})
	var out bytes.Buffer
	at := 0
	for _, edit := range e.edits {
		if edit.start < at || edit.end < edit.start || edit.end > len(e.text) {
			return nil, errLayout
		}
		out.Write(e.text[at:edit.start])
		out.WriteString(edit.text)
		at = edit.end
	}
	out.Write(e.text[at:])
	return out.Bytes(), nil
}

// insertLines puts whole lines behind a line; the last line of a text may lack its break, and then goes on to lack it.
func (e *editor) insertLines(line int, lines string) {
	at := e.next(line)
	if e.lineEnd(line) == at {
		lines = e.eol + strings.TrimSuffix(lines, e.eol)
	}
	e.replace(span{at, at}, lines)
}

// removeLines takes out whole lines.
func (e *editor) removeLines(first, last int) {
	e.removed = append(e.removed, span{first, last})
}

// cutLines turns removed lines into edits, neighbors into one: where the last line of a text goes and lacks its break, the
// break before all of them goes too.
func (e *editor) cutLines() {
	slices.SortFunc(e.removed, func(a, b span) int { return a.start - b.start })
	for i := 0; i < len(e.removed); {
		lines := e.removed[i]
		for i++; i < len(e.removed) && e.removed[i].start <= lines.end+1; i++ {
			lines.end = max(lines.end, e.removed[i].end)
		}
		at := span{e.starts[lines.start], e.next(lines.end)}
		if e.lineEnd(lines.end) == at.end && lines.start > 0 {
			at.start = e.lineEnd(lines.start - 1)
		}
		e.replace(at, "")
	}
	e.removed = nil
}
