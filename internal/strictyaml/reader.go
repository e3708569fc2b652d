package strictyaml

import (
	"bytes"
	"encoding/json"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/internal/spelling"
)

// reader turns a YAML tree into values for encoding/json. On the way it checks the tree against the Go types.
type reader struct {
	lines    map[string]int
	scalars  Scalars
	problems []Problem
	// broken are the paths of the problems.
	broken []string
}

// What others wrote must not cost more than its size: the path of each item repeats the keys around it, and nobody reads all mistakes.
const (
	maxKey      = 256
	maxProblems = 100
)

// isFull reports whether to stop looking for more problems.
func (r *reader) isFull() bool { return len(r.problems) > maxProblems }

// absent is the value of what has a problem: the rest is decoded without it.
type absent struct{}

func (r *reader) report(node *yaml.Node, path *field.Path, message string) absent {
	if path != nil && !r.isFull() {
		message = path.String() + ": " + message
	}
	return r.reportAs(node, path, message)
}

// reportAs is for a message that already names its path.
func (r *reader) reportAs(node *yaml.Node, path *field.Path, message string) absent {
	switch {
	case r.isFull():
		return absent{}
	case len(r.problems) == maxProblems:
		message = "and more problems: correct these first"
	}
	r.problems = append(r.problems, Problem{Line: node.Line, Message: message})
	r.broken = append(r.broken, path.String())
	return absent{}
}

// read returns the node's value for the type, which is absent where it has reported a problem.
func (r *reader) read(node *yaml.Node, typ reflect.Type, path *field.Path) any {
	if node.Kind == yaml.AliasNode {
		return r.report(node, path, "aliases (*name) are not supported: write the value out")
	}
	if node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null" {
		return r.report(node, path, `must not be empty: remove the key for its default, or write "", [] or {}`)
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	switch kind := typ.Kind(); {
	case decodesItself(typ):
		return r.readSelf(node, typ, path)
	case kind == reflect.Struct:
		return r.readObject(node, typ, path)
	case kind == reflect.Map:
		return r.readMap(node, typ, path)
	case kind == reflect.Slice:
		return r.readList(node, typ, path)
	}
	return r.readScalar(node, typ, path)
}

// readObject reads a mapping whose keys are the fields of a struct.
func (r *reader) readObject(node *yaml.Node, typ reflect.Type, path *field.Path) any {
	known := fieldTypes(typ)
	toChild := func(key string) *field.Path { return path.Child(key) }
	return r.readKeys(node, path, toChild, func(key, value *yaml.Node, child *field.Path) any {
		fieldType, found := known[key.Value]
		if !found && r.isFull() {
			return absent{}
		}
		if !found {
			return r.unknown(key, path, known)
		}
		return r.read(value, fieldType, child)
	})
}

// readMap reads a mapping with arbitrary keys.
func (r *reader) readMap(node *yaml.Node, typ reflect.Type, path *field.Path) any {
	return r.readKeys(node, path, path.Key, func(_, value *yaml.Node, child *field.Path) any {
		return r.read(value, typ.Elem(), child)
	})
}

// readKeys reads the keys of a mapping, which must be strings without duplicates.
func (r *reader) readKeys(
	node *yaml.Node, path *field.Path, toChild func(string) *field.Path, read func(key, value *yaml.Node, child *field.Path) any,
) any {
	if node.Kind != yaml.MappingNode {
		return r.report(node, path, "must be an object, not "+describe(node))
	}
	object, first := map[string]any{}, map[string]int{}
	for n := 0; n+1 < len(node.Content); n += 2 {
		key := node.Content[n]
		child := toChild(key.Value)
		line, again := first[key.Value]
		switch {
		case key.ShortTag() == "!!merge":
			r.report(key, path, "merge keys (<<) are not supported: write the keys out")
		case key.Kind != yaml.ScalarNode || key.ShortTag() != "!!str":
			r.report(key, path, "keys must be strings: put them in quotes")
		case len(key.Value) > maxKey:
			r.report(key, path, "keys must have at most "+strconv.Itoa(maxKey)+" bytes")
		case again:
			r.report(key, child, "duplicate key: it is already on line "+strconv.Itoa(line))
		default:
			first[key.Value], r.lines[child.String()] = key.Line, key.Line
			if value := read(key, node.Content[n+1], child); value != (absent{}) {
				object[key.Value] = value
			}
		}
	}
	return object
}

func (r *reader) readList(node *yaml.Node, typ reflect.Type, path *field.Path) any {
	if node.Kind != yaml.SequenceNode {
		return r.report(node, path, "must be a list, not "+describe(node))
	}
	list, sound := make([]any, len(node.Content)), true
	for n, item := range node.Content {
		child := path.Index(n)
		r.lines[child.String()] = item.Line
		list[n] = r.read(item, typ.Elem(), child)
		sound = sound && list[n] != absent{}
	}
	if !sound {
		return absent{} // without one item, the others would have other positions
	}
	return list
}

// fieldTypes are the types of a struct's fields, including those of embedded structs, by their JSON keys.
func fieldTypes(typ reflect.Type) map[string]reflect.Type {
	types := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(typ) {
		key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if key != "" && key != "-" {
			types[key] = f.Type
		}
	}
	return types
}

// unknown names the key that an unknown one probably means, or all known ones.
func (r *reader) unknown(key *yaml.Node, path *field.Path, known map[string]reflect.Type) absent {
	keys := slices.Sorted(maps.Keys(known))
	child := path.Child(key.Value)
	if nearest := spelling.Nearest(key.Value, keys); nearest != "" {
		r.broken = append(r.broken, path.Child(nearest).String())
		return r.report(key, child, "unknown key: did you mean "+strconv.Quote(nearest)+"?")
	}
	return r.report(key, child, "unknown key: known are "+strings.Join(keys, ", "))
}

// decodesItself recognizes types that are written as one scalar, such as quantities.
func decodesItself(typ reflect.Type) bool {
	return reflect.PointerTo(typ).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// Scalars are the types that decode themselves, such as quantities, and how their values are written.
type Scalars map[reflect.Type]Scalar

// Scalar is how the values of a type are written.
type Scalar struct {
	// Form for people: "must be …".
	Form string
	// Pattern that the text has to match before the type's own parser sees it; nil for any.
	Pattern *regexp.Regexp
}

func (r *reader) readSelf(node *yaml.Node, typ reflect.Type, path *field.Path) any {
	scalar := r.scalars[typ]
	if node.Kind != yaml.ScalarNode {
		return r.report(node, path, scalar.Form+", not "+describe(node))
	}
	value := scalarValue(node)
	if !scalar.accepts(value, typ) {
		return r.reportAs(node, path, field.Invalid(path, node.Value, scalar.Form).Error())
	}
	return value
}

func (s *Scalar) accepts(value any, typ reflect.Type) bool {
	data, err := json.Marshal(value)
	if err != nil || value == nil {
		return false
	}
	if s.Pattern != nil && !s.Pattern.Match(bytes.Trim(data, `"`)) {
		return false
	}
	return json.Unmarshal(data, reflect.New(typ).Interface()) == nil
}

// readScalar reads a string, a boolean or a number. Its messages never repeat the value, because it may be a header's.
func (r *reader) readScalar(node *yaml.Node, typ reflect.Type, path *field.Path) any {
	value := scalarValue(node)
	switch typ.Kind() {
	case reflect.String:
		if _, ok := value.(string); !ok {
			return r.report(node, path, "must be a string, not "+describe(node)+quoteHint(node))
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			return r.report(node, path, "must be true or false, not "+describe(node))
		}
	default:
		if !isWhole(value, typ) {
			return r.report(node, path, "must be a whole number ("+typ.Kind().String()+")")
		}
	}
	return value
}

func quoteHint(node *yaml.Node) string {
	if node.Kind == yaml.ScalarNode && !strings.HasPrefix(describe(node), "a value") {
		return ": put it in quotes"
	}
	return ""
}

// scalarValue is the value of a scalar as encoding/json can write it, or nil. Dates are strings, because no key is a date.
func scalarValue(node *yaml.Node) any {
	if node.Kind != yaml.ScalarNode {
		return nil
	}
	switch node.ShortTag() {
	case "!!str", "!!timestamp":
		return node.Value
	case "!!int", "!!float", "!!bool":
		var value any
		if err := node.Decode(&value); err != nil {
			return nil
		}
		if number, ok := value.(float64); ok && (math.IsInf(number, 0) || math.IsNaN(number)) {
			return nil
		}
		return value
	}
	return nil
}

// isWhole reports whether a value is an integer that fits the type; 5.0 is one, as it is in JSON Schema.
func isWhole(value any, typ reflect.Type) bool {
	zero := reflect.Zero(typ)
	switch number := value.(type) {
	case int:
		return !zero.OverflowInt(int64(number))
	case int64:
		return !zero.OverflowInt(number)
	case float64:
		return number == math.Trunc(number) && math.Abs(number) < 1<<53 && !zero.OverflowInt(int64(number))
	}
	return false
}

// describe names the kind of a node's value for people.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	default:
		return describeScalar(node)
	}
}

func describeScalar(node *yaml.Node) string {
	switch node.ShortTag() {
	case "!!str", "!!timestamp":
		return "a string"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a boolean"
	}
	return "a value with the tag " + node.ShortTag()
}
