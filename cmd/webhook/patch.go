package main

import (
	"encoding/json"
	"fmt"

	"gomodules.xyz/jsonpatch/v2"
)

// encodePatch writes the operations as JSON. It copies what is JSON already, as the sidecar is: json.Marshal would parse
// each of these values again, twice.
func encodePatch(operations []jsonpatch.Operation) ([]byte, error) {
	patch := make([]byte, 0, patchSize(operations))
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
	to = append(to, '"')
	for n := range len(text) {
		switch c := text[n]; {
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c < ' ':
			to = fmt.Appendf(to, `\u%04x`, c)
		default:
			to = append(to, c)
		}
	}
	return append(to, '"')
}

// patchSize estimates the size of the patch, so that it is allocated once.
func patchSize(operations []jsonpatch.Operation) int {
	const frame = 96
	size := 0
	for n := range operations {
		size += frame
		switch value := operations[n].Value.(type) {
		case json.RawMessage:
			size += len(value)
		case string:
			size += len(value) + len(value)/4
		}
	}
	return size
}
