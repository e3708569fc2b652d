package config

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// decodesItself tells types apart that are written as one scalar, such as quantities.
func decodesItself(typ reflect.Type) bool {
	return reflect.PointerTo(typ).Implements(reflect.TypeFor[json.Unmarshaler]())
}

// selfForms says how the values of types that decode themselves are written.
var selfForms = map[reflect.Type]string{
	reflect.TypeFor[resource.Quantity]():  "must be a quantity, e.g. 50m, 0.5, 128Mi or 1Gi",
	reflect.TypeFor[intstr.IntOrString](): "must be a port number or the name of a port",
}

// QuantityPattern is how quantities are written. Kubernetes' own parser takes minutes over 1e-999999999, so it never sees it.
const QuantityPattern = `^[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2}|[numkMGTPE]|[KMGTPE]i)?$`

var quantity = regexp.MustCompile(QuantityPattern)

func (r *reader) readSelf(node *yaml.Node, typ reflect.Type, path *field.Path) any {
	form := selfForms[typ]
	if node.Kind != yaml.ScalarNode {
		r.report(node, path, form+", not "+describe(node))
		return nil
	}
	value := scalarValue(node)
	if !canDecode(value, typ) {
		r.report(node, nil, field.Invalid(path, node.Value, form).Error())
	}
	return value
}

func canDecode(value any, typ reflect.Type) bool {
	data, err := json.Marshal(value)
	if err != nil || value == nil {
		return false
	}
	if typ == reflect.TypeFor[resource.Quantity]() && !quantity.Match(bytes.Trim(data, `"`)) {
		return false
	}
	return json.Unmarshal(data, reflect.New(typ).Interface()) == nil
}

// readScalar reads a string, a boolean or a number. Its messages never repeat the value: it may be a header's.
func (r *reader) readScalar(node *yaml.Node, typ reflect.Type, path *field.Path) any {
	value := scalarValue(node)
	switch typ.Kind() {
	case reflect.String:
		if _, ok := value.(string); !ok {
			r.report(node, path, "must be a string, not "+describe(node)+quoteHint(node))
		}
	case reflect.Bool:
		if _, ok := value.(bool); !ok {
			r.report(node, path, "must be true or false, not "+describe(node))
		}
	default:
		if !isWhole(value, typ) {
			r.report(node, path, "must be a whole number ("+typ.Kind().String()+")")
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

// scalarValue is the value of a scalar as encoding/json can write it, or nil. Dates are strings: no key wants one.
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

// isWhole tells whether a value is an integer that fits the type; 5.0 is one, as it is in JSON Schema.
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
