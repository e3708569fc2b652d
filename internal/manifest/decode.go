package manifest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	kjson "sigs.k8s.io/json"
)

// FieldError is a mistake in a field of an object.
type FieldError struct {
	// Field is its path, empty for the object itself.
	Field   string
	Message string
}

func (e *FieldError) Error() string {
	if e.Field == "" {
		return e.Message
	}
	return e.Field + ": " + e.Message
}

// Within moves the mistake into an enclosing object, where its path then starts.
func (e *FieldError) Within(path string) *FieldError {
	return &FieldError{joinFields(path, e.Field), e.Message}
}

func joinFields(outer, inner string) string {
	if outer == "" || inner == "" || inner[0] == '[' {
		return outer + inner
	}
	return outer + "." + inner
}

// within places an error of Decode at a path.
func within(path []string, err error) error {
	if mistake, ok := errors.AsType[*FieldError](err); ok {
		return mistake.Within(field(path))
	}
	return err
}

// Decode reads JSON as the API server does: keys are case-sensitive. A value of the wrong type is a *FieldError.
func Decode(data []byte, into any) error {
	err := kjson.UnmarshalCaseSensitivePreserveInts(data, into)
	var mismatch *json.UnmarshalTypeError
	if !errors.As(err, &mismatch) {
		return err //nolint:wrapcheck // what is decoded here has been parsed before
	}
	return &FieldError{mismatch.Field, fmt.Sprintf("found %s instead of %s", article(mismatch.Value), typeName(mismatch.Type))}
}

func article(jsonType string) string {
	switch jsonType {
	case "object":
		return "an object"
	case "array":
		return "a list"
	case "bool":
		return "true or false"
	default:
		return "a " + jsonType
	}
}

func typeName(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Map, reflect.Struct, reflect.Pointer:
		return "an object"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	default:
		return "a whole number"
	}
}
