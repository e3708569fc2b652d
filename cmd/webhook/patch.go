package main

import (
	"encoding/json"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"
	"gomodules.xyz/jsonpatch/v2"
)

// appendPatch writes the operations as JSON. It copies what is JSON already, as the sidecar is: json.Marshal would parse
// each of these values again, twice.
func appendPatch(patch []byte, operations []jsonpatch.Operation) ([]byte, error) {
	separator := byte('[')
	for n := range operations {
		operation := &operations[n]
		patch = append(patch, separator)
		patch = append(patch, `{"op":`...)
		patch = appendString(patch, operation.Operation)
		patch = append(patch, `,"path":`...)
		patch = appendString(patch, operation.Path)
		patch = append(patch, `,"value":`...)
		var err error
		if patch, err = appendValue(patch, operation.Value); err != nil {
			return nil, fmt.Errorf("failed to encode the operation on %q: %w", operation.Path, err)
		}
		patch = append(patch, '}')
		separator = ','
	}
	return append(patch, ']'), nil
}

func appendValue(to []byte, value any) ([]byte, error) {
	switch value := value.(type) {
	case json.RawMessage:
		return append(to, value...), nil
	case string:
		return appendString(to, value), nil
	default:
		encoded, err := json.Marshal(value)
		return append(to, encoded...), err
	}
}

// appendString quotes text as JSON, without the escapes for HTML that json.Marshal adds.
func appendString(to []byte, text string) []byte {
	// The error is about what is not UTF-8, which has been replaced.
	to, _ = jsontext.AppendQuote(to, text)
	return to
}
