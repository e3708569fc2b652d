package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync/atomic"

	"gomodules.xyz/jsonpatch/v2"

	"github.com/performancecopilot/pcp-injector/internal/quote"
)

// patchEncoder writes patches in base64, as answers contain them. It remembers the last one, because all pods of a template get the same
// patch, and comparing is faster than encoding.
type patchEncoder struct {
	last atomic.Pointer[encodedPatch]
}

type encodedPatch struct {
	operations []jsonpatch.Operation
	base64     []byte
}

// encode returns bytes that must not be changed.
func (e *patchEncoder) encode(operations []jsonpatch.Operation) ([]byte, error) {
	if last := e.last.Load(); last != nil && slices.EqualFunc(last.operations, operations, equalOperations) {
		return last.base64, nil
	}
	patch, err := encodePatch(operations)
	if err != nil {
		return nil, err
	}
	encoded := base64.StdEncoding.AppendEncode(nil, patch)
	if len(encoded) <= ordinaryBody {
		e.last.Store(&encodedPatch{operations, encoded})
	}
	return encoded, nil
}

func equalOperations(a, b jsonpatch.Operation) bool {
	if a.Operation != b.Operation || a.Path != b.Path {
		return false
	}
	switch value := a.Value.(type) {
	case json.RawMessage:
		other, same := b.Value.(json.RawMessage)
		return same && bytes.Equal(value, other)
	case string:
		return b.Value == a.Value
	default:
		return reflect.DeepEqual(a.Value, b.Value)
	}
}

// encodePatch writes the operations as JSON. It copies values that are JSON already, as the sidecar is: json.Marshal would parse each of
// them twice more.
func encodePatch(operations []jsonpatch.Operation) ([]byte, error) {
	var patch []byte
	separator := byte('[')
	for n := range operations {
		operation := &operations[n]
		patch = append(patch, separator)
		patch = append(patch, `{"op":`...)
		patch = quote.Append(patch, operation.Operation)
		patch = append(patch, `,"path":`...)
		patch = quote.Append(patch, operation.Path)
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
		return quote.Append(to, value), nil
	default:
		encoded, err := json.Marshal(value)
		return append(to, encoded...), err
	}
}
