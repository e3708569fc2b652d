package yamledit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
)

// object is a JSON object in its order, so that what is added to a document reads in the order in which it was built.
type object []member

type member struct {
	key   string
	value any
}

type list []any

func (o object) get(key string) (any, bool) {
	for _, m := range o {
		if m.key == key {
			return m.value, true
		}
	}
	return nil, false
}

// decode reads one JSON value: numbers stay as they are written.
func decode(data []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	return decodeValue(dec)
}

func next(dec *json.Decoder) (json.Token, error) {
	token, err := dec.Token()
	if err != nil {
		return nil, fmt.Errorf("failed to decode JSON: %w", err)
	}
	return token, nil
}

func decodeValue(dec *json.Decoder) (any, error) {
	token, err := next(dec)
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		return decodeObject(dec)
	case json.Delim('['):
		return decodeList(dec)
	default:
		return token, nil
	}
}

func decodeObject(dec *json.Decoder) (any, error) {
	o := object{}
	for dec.More() {
		token, err := next(dec)
		if err != nil {
			return nil, err
		}
		key, ok := token.(string)
		if !ok {
			return nil, errors.New("an object's key is not a string")
		}
		v, err := decodeValue(dec)
		if err != nil {
			return nil, err
		}
		o = append(o, member{key, v})
	}
	_, err := next(dec)
	return o, err
}

func decodeList(dec *json.Decoder) (any, error) {
	l := list{}
	for dec.More() {
		v, err := decodeValue(dec)
		if err != nil {
			return nil, err
		}
		l = append(l, v)
	}
	_, err := next(dec)
	return l, err
}

// unordered is the value for comparison: without the order of keys, numbers by their value.
func unordered(v any) any {
	switch v := v.(type) {
	case object:
		m := make(map[string]any, len(v))
		for _, member := range v {
			m[member.key] = unordered(member.value)
		}
		return m
	case list:
		l := make([]any, len(v))
		for n, item := range v {
			l[n] = unordered(item)
		}
		return l
	case json.Number:
		return canonical(v)
	default:
		return v
	}
}

// canonical: other readers write the number 1e3 as 1000.
func canonical(n json.Number) string {
	if _, err := n.Int64(); err == nil {
		return n.String()
	}
	f, err := n.Float64()
	if err != nil {
		return n.String()
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// marshal writes the value as JSON on one line, which is also YAML's flow style.
func marshal(v any) string {
	var buf bytes.Buffer
	appendJSON(&buf, v)
	return buf.String()
}

func appendJSON(buf *bytes.Buffer, v any) {
	switch v := v.(type) {
	case object:
		appendAll(buf, '{', '}', len(v), func(n int) {
			appendJSON(buf, v[n].key)
			buf.WriteString(": ")
			appendJSON(buf, v[n].value)
		})
	case list:
		appendAll(buf, '[', ']', len(v), func(n int) { appendJSON(buf, v[n]) })
	case string:
		buf.WriteString(quote(v))
	default:
		fmt.Fprint(buf, scalarText(v))
	}
}

func appendAll(buf *bytes.Buffer, left, right byte, n int, item func(int)) {
	buf.WriteByte(left)
	for i := range n {
		if i > 0 {
			buf.WriteString(", ")
		}
		item(i)
	}
	buf.WriteByte(right)
}

// alignment says how to turn one list into another by taking out and putting in whole items.
type alignment struct {
	removed  []int         // positions in the old list
	inserted map[int][]any // new items before a position of the old list
}

func align(have, want list) alignment {
	a := alignment{inserted: map[int][]any{}}
	i, j := 0, 0
	for i < len(have) || j < len(want) {
		switch {
		case i < len(have) && j < len(want) && reflect.DeepEqual(have[i], want[j]):
			i++
			j++
		case i < len(have) && !contains(want[j:], have[i]):
			a.removed = append(a.removed, i)
			i++
		default:
			a.inserted[i] = append(a.inserted[i], want[j])
			j++
		}
	}
	return a
}

func contains(l list, v any) bool {
	for _, item := range l {
		if reflect.DeepEqual(item, v) {
			return true
		}
	}
	return false
}
