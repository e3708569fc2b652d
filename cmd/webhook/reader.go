package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// reader walks through the tokens of a review. It keeps what an answer needs, within limits, and skips the rest. As in the API server's own
// decoder, keys are case-sensitive, and the last of duplicate keys counts.
type reader struct {
	tokens jsontext.Decoder
	// broken is why the body is not JSON. Nothing is read after that.
	broken error
	// fault is the first field that has the wrong type or is too large. The rest is still read, because a request whose UID is known gets a
	// proper answer.
	fault error
	// kept holds the strings of a review one after the other, so most reviews need one allocation for them.
	kept strings.Builder
}

// boundError reports a value that is larger than the limit.
type boundError struct {
	limit int
	unit  string
}

func (e *boundError) Error() string { return fmt.Sprintf("must have at most %d %s", e.limit, e.unit) }

var (
	lenient = jsontext.AllowDuplicateNames(true)
	// readers are reused, because each has a large state.
	readers = sync.Pool{New: func() any { return new(reader) }}
	// nothing is what an unused reader refers to.
	nothing = new(bytes.Buffer)
)

// read reads a body, which must contain exactly one value. It returns why the body is not JSON, or why it is not what was expected.
func read(body *bytes.Buffer, value func(*reader)) (broken, fault error) {
	r, _ := readers.Get().(*reader)
	r.tokens.Reset(body, lenient, jsontext.AllowInvalidUTF8(true))
	defer r.release()
	value(r)
	if r.broken == nil {
		r.end()
	}
	return r.broken, r.fault
}

func (r *reader) release() {
	r.tokens.Reset(nothing)
	r.broken, r.fault = nil, nil
	r.kept.Reset()
	readers.Put(r)
}

func (r *reader) end() {
	switch _, err := r.tokens.ReadToken(); {
	case err == nil:
		r.broken = errors.New("must be one value, found another after it")
	case !errors.Is(err, io.EOF):
		r.broken = err
	}
}

// begins reports whether the next value is of this kind, and reads its first token. Null counts as absent. Any other kind is a fault.
func (r *reader) begins(kind jsontext.Kind, wanted string) bool {
	found := r.peek()
	switch {
	case r.broken != nil:
		return false
	case found == kind:
		return r.token()
	default:
		r.skip()
		r.mistyped(found, wanted)
		return false
	}
}

// peek is the kind of the next value.
func (r *reader) peek() jsontext.Kind {
	if r.broken != nil {
		return jsontext.KindInvalid
	}
	kind := r.tokens.PeekKind()
	if kind == jsontext.KindInvalid {
		r.token()
	}
	return kind
}

// mistyped notes that the last value has the wrong kind. Null counts as absent.
func (r *reader) mistyped(found jsontext.Kind, wanted string) {
	if found != jsontext.KindNull {
		r.wrong(fmt.Errorf("has the wrong type %s: must be %s", kindNames[found], wanted))
	}
}

var kindNames = map[jsontext.Kind]string{
	jsontext.KindNull: "null", jsontext.KindTrue: "boolean", jsontext.KindFalse: "boolean", jsontext.KindString: "string",
	jsontext.KindNumber: "number", jsontext.KindBeginObject: "object", jsontext.KindBeginArray: "array",
}

// skip reads the value as a whole and copies nothing. That takes half the time of SkipValue, which reads each token.
func (r *reader) skip() { r.value() }

// wrong notes a fault of the last value. It never quotes the value.
func (r *reader) wrong(err error) {
	if r.fault != nil || r.broken != nil {
		return
	}
	path := strings.ReplaceAll(strings.TrimPrefix(string(r.tokens.StackPointer()), "/"), "/", ".")
	r.fault = fmt.Errorf("field %s %w", quoted(path), err)
}

func (r *reader) tooLarge(limit int, unit string) {
	r.wrong(fmt.Errorf("is too large: %w", &boundError{limit, unit}))
}

// value returns the next value as it is written. It is valid until the next one is read.
func (r *reader) value() jsontext.Value {
	if r.broken != nil {
		return nil
	}
	value, err := r.tokens.ReadValue()
	if err != nil {
		r.broken = err
	}
	return value
}

// object reads an object. The function must read or skip the value of each member.
func (r *reader) object(member func(name []byte)) {
	if !r.begins(jsontext.KindBeginObject, "an object") {
		return
	}
	for r.peek() == jsontext.KindString {
		if name := r.value(); r.broken == nil {
			member(plain(name))
		}
	}
	r.close()
}

// plain is the text of a JSON string, with U+FFFD for invalid UTF-8. It is valid as long as the string.
func plain(text jsontext.Value) []byte {
	inner := text[1 : len(text)-1]
	for _, c := range inner {
		if c == '\\' || c >= utf8.RuneSelf {
			// The only error is invalid UTF-8, which has been replaced.
			unquoted, _ := jsontext.AppendUnquote(nil, text)
			return unquoted
		}
	}
	return inner
}

func (r *reader) keep(text []byte) string {
	const most = 1 << 10
	if r.kept.Len() == 0 {
		r.kept.Grow(most)
	}
	start := r.kept.Len()
	r.kept.Write(text)
	return r.kept.String()[start:]
}

// close reads the end of an object or a list.
func (r *reader) close() {
	if r.broken == nil {
		r.token()
	}
}

func (r *reader) token() bool {
	_, err := r.tokens.ReadToken()
	if err != nil {
		r.broken = err
	}
	return err == nil
}

// readList reads a list of at most limit elements.
func readList[T any](r *reader, to *[]T, limit int, element func(*reader, *T)) {
	if !r.begins(jsontext.KindBeginArray, "an array") {
		*to = nil
		return
	}
	if *to == nil {
		*to = make([]T, 0, 2)
	}
	*to = (*to)[:0]
	full := false
	for r.peek() != jsontext.KindEndArray && r.broken == nil {
		if full = len(*to) == limit; full {
			r.skip()
			continue
		}
		*to = append(*to, *new(T))
		element(r, &(*to)[len(*to)-1])
	}
	r.close()
	if full {
		r.tooLarge(limit, "elements")
	}
}

// readMap reads a map of at most maxEntries, and adds to what a duplicate before it contained.
func readMap[T any](r *reader, entries map[string]T, entry func(*reader) T) map[string]T {
	if !r.begins(jsontext.KindBeginObject, "an object") {
		return nil
	}
	if entries == nil {
		entries = map[string]T{}
	}
	full := false
	for r.peek() == jsontext.KindString {
		key := r.textWithin(maxText)
		if full = full || len(entries) == maxEntries; full {
			r.skip()
			continue
		}
		entries[key] = entry(r)
	}
	r.close()
	if full {
		r.tooLarge(maxEntries, "entries")
	}
	return entries
}

// optional reads a field that a pod may omit. Null counts as absent.
func optional[T any](r *reader, to **T, value func(*reader, *T)) {
	if r.peek() == jsontext.KindNull {
		*to = nil
		r.skip()
		return
	}
	if *to == nil {
		*to = new(T)
	}
	value(r, *to)
}

func (r *reader) text(to *string) { *to = r.textWithin(maxText) }

// textWithin reads a string, unless it is longer than the limit, even escaped: invalid UTF-8 would take three times its length.
func (r *reader) textWithin(limit int) string {
	const longestEscape = len(`\u0000`)
	value := r.value()
	if kind := value.Kind(); kind != jsontext.KindString {
		r.mistyped(kind, "a string")
		return ""
	}
	if len(value) <= longestEscape*limit {
		if text := plain(value); len(text) <= limit {
			return r.keep(text)
		}
	}
	r.tooLarge(limit, "bytes")
	return ""
}

func (r *reader) boolean(to *bool) {
	kind := r.value().Kind()
	*to = kind == jsontext.KindTrue
	if kind != jsontext.KindTrue && kind != jsontext.KindFalse {
		r.mistyped(kind, "a boolean")
	}
}

func (r *reader) integer(to *int64) {
	value := r.value()
	number, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		number = 0
		r.mistyped(value.Kind(), "an integer of 64 bits")
	}
	*to = number
}
