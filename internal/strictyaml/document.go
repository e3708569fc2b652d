// Package strictyaml reads a YAML document into a Go value, and finds every mistake with its line: unknown, duplicate and empty keys, wrong
// types, aliases and merge keys. JSON decoders know no lines, stop at the first wrong type, and cannot see duplicate keys once YAML is a Go
// map.
package strictyaml

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	kjson "sigs.k8s.io/json"
)

// Problem is one mistake in a document.
type Problem struct {
	// Line counts from 1; 0 is the whole document.
	Line int
	// Message with the path of the key, the value found, what is allowed, and the remedy.
	Message string
}

// SortByLine puts problems in the order of the document.
func SortByLine(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}

// Document is a parsed document.
type Document struct {
	root *yaml.Node
	// lines of all keys and items that were decoded, by their path.
	lines map[string]int
	// broken are the paths of the problems that Decode has found.
	broken []string
	// unread: there are too many problems to have read all of it.
	unread bool
}

// Parse parses the only YAML (or JSON) document of a file. A file without any content is an empty object.
func Parse(data []byte) (*Document, *Problem) {
	root, problem := parse(data)
	if problem != nil {
		return nil, problem
	}
	return &Document{root: root, lines: map[string]int{}}, nil
}

func parse(data []byte) (*yaml.Node, *Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	case err != nil:
		return nil, syntaxProblem(err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &Problem{Line: second.Line, Message: "a second document: the file must contain only one"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxProblem(err)
	}
	root := first.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	}
	return root, nil
}

var syntaxError = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// syntaxProblem extracts the line from the parser's message.
func syntaxProblem(err error) *Problem {
	match := syntaxError.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(match[1]) // without a number, line 0
	return &Problem{Line: line, Message: "not valid YAML: " + strings.TrimPrefix(err.Error(), match[0])}
}

// Text is a string at the top of the document, with its line; 0 if there is none under that key.
func (d *Document) Text(key string) (text string, line int) {
	for n := 0; n+1 < len(d.root.Content) && d.root.Kind == yaml.MappingNode; n += 2 {
		name, value := d.root.Content[n], d.root.Content[n+1]
		if name.Value == key && value.Kind == yaml.ScalarNode && value.ShortTag() == "!!str" {
			return value.Value, name.Line
		}
	}
	return "", 0
}

// Decode reads the document into a pointer to a struct, by its JSON keys. Keys that the document lacks keep the values of the struct, and so
// do those with a problem. Types that decode themselves are written as one of the scalars.
func (d *Document) Decode(into any, scalars Scalars) []Problem {
	r := &reader{lines: d.lines, scalars: scalars}
	value := r.read(d.root, reflect.TypeOf(into).Elem(), nil)
	d.broken, d.unread = r.broken, r.isFull()
	SortByLine(r.problems)
	if value == (absent{}) {
		return r.problems
	}
	if err := decode(value, into); err != nil {
		return append(r.problems, Problem{Message: err.Error()})
	}
	return r.problems
}

// Sound reports whether what the rules of a decoded document say of a path is worth repeating: neither it nor anything in the same object
// has a problem, because that may be all that is wrong.
func (d *Document) Sound(path string) bool {
	return !d.unread && !slices.ContainsFunc(d.broken, func(broken string) bool {
		around := parent(broken)
		return within(broken, path) || within(path, broken) || around != "" && within(path, around)
	})
}

// within reports whether a path is another one, or below it.
func within(path, other string) bool {
	rest, below := strings.CutPrefix(path, other)
	return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

// parent is the path of what contains a path; empty at the top.
func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// decode decodes what the reader has checked, so an error here is a gap in the reader.
func decode(value, into any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("failed to convert to JSON: %w", err)
	}
	strict, err := kjson.UnmarshalStrict(data, into)
	if err := errors.Join(append(strict, err)...); err != nil {
		return fmt.Errorf("failed to decode: %w", err)
	}
	return nil
}

// Line of the key with that path (as of field.Path) in a decoded document or, if the document lacks it, of the nearest key around it; 0 if
// there is none.
func (d *Document) Line(path string) int {
	for path != "" {
		if line, found := d.lines[path]; found {
			return line
		}
		path = parent(path)
	}
	return 0
}
