package main

import (
	"bytes"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// What is kept of a review. A list of empty objects costs its sender 3 bytes for each, and would cost the injector up to 150.
const (
	maxContainers = 128
	// maxPorts is for each container.
	maxPorts = 256
	// maxNames is for volumes and sysctls.
	maxNames  = 1024
	maxOwners = 64
	// maxEntries is for annotations, labels, the node selector and the pod's own resources.
	maxEntries = 4096
	// maxValue is the API server's own bound on all annotations together.
	maxValue = 256 << 10
	// maxText is for all other text; the API server allows names of 253 characters.
	maxText = 4096
	// maxAmount is for a quantity.
	maxAmount = 256
)

// boundError says that something is larger than what is kept of it.
type boundError struct {
	limit int
	unit  string
}

func (e *boundError) Error() string { return fmt.Sprintf("must have at most %d %s", e.limit, e.unit) }

var (
	lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

	bounded = json.JoinUnmarshalers(
		boundedList[mutate.Container](maxContainers),
		boundedList[mutate.Port](maxPorts),
		boundedList[mutate.Named](maxNames),
		boundedList[mutate.OwnerReference](maxOwners),
		boundedMap(decodeEntry),
		boundedMap(readAmount),
		json.UnmarshalFromFunc(decodeAmount),
	)
	// ordinaryOptions leave text alone: an ordinary body bounds it, and the decoder's own way to read it is faster.
	ordinaryOptions = json.JoinOptions(lenient, json.WithUnmarshalers(bounded))
	largeOptions    = json.JoinOptions(lenient, json.WithUnmarshalers(json.JoinUnmarshalers(bounded, json.UnmarshalFromFunc(decodeText))))
)

// boundedList decodes a list as the decoder does, but for the limit.
func boundedList[T any](limit int) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(dec *jsontext.Decoder, to *[]T) error {
		if dec.PeekKind() != '[' {
			return errors.ErrUnsupported
		}
		if _, err := dec.ReadToken(); err != nil {
			return err //nolint:wrapcheck // the decoder wraps it
		}
		list := (*to)[:0]
		if list == nil {
			list = make([]T, 0, 2)
		}
		for dec.PeekKind() != ']' {
			if len(list) == limit {
				return &boundError{limit, "elements"}
			}
			list = append(list, *new(T))
			if err := json.UnmarshalDecode(dec, &list[len(list)-1]); err != nil {
				return err //nolint:wrapcheck // the decoder wraps it
			}
		}
		*to = list
		_, err := dec.ReadToken()
		return err //nolint:wrapcheck // the decoder wraps it
	})
}

// boundedMap decodes a map as the decoder does, but for the limits.
func boundedMap[T any](decode func(*jsontext.Decoder) (T, error)) *json.Unmarshalers {
	return json.UnmarshalFromFunc(func(dec *jsontext.Decoder, to *map[string]T) error {
		if dec.PeekKind() != '{' {
			return errors.ErrUnsupported
		}
		if _, err := dec.ReadToken(); err != nil {
			return err //nolint:wrapcheck // the decoder wraps it
		}
		if *to == nil {
			*to = map[string]T{}
		}
		for dec.PeekKind() != '}' {
			if len(*to) == maxEntries {
				return &boundError{maxEntries, "entries"}
			}
			key, err := readText(dec, maxText)
			if err != nil {
				return err
			}
			value, err := decode(dec)
			if err != nil {
				return err
			}
			(*to)[key] = value
		}
		_, err := dec.ReadToken()
		return err //nolint:wrapcheck // the decoder wraps it
	})
}

// common are the texts, as JSON, that the labels and annotations of most pods have. They take no memory of their own.
var common = commonTexts()

func commonTexts() map[string]string {
	texts := map[string]string{}
	for _, text := range []string{
		"app.kubernetes.io/name", "app.kubernetes.io/instance", "app.kubernetes.io/version", "app.kubernetes.io/component",
		"app.kubernetes.io/part-of", "app.kubernetes.io/managed-by", "helm.sh/chart", "app", "pod-template-hash",
		"controller-revision-hash", "kubectl.kubernetes.io/restartedAt", "prometheus.io/scrape", "prometheus.io/port",
		mutate.AnnotationInject, mutate.AnnotationServices, mutate.AnnotationDomainAgents, mutate.AnnotationStatus, "true", "false",
	} {
		texts[`"`+text+`"`] = text
	}
	return texts
}

// readText reads a string, unless it is longer than the limit however it is escaped: one that is not UTF-8 would take three
// times its length.
func readText(dec *jsontext.Decoder, limit int) (string, error) {
	const longestEscape = len(`\u0000`)
	value, err := dec.ReadValue()
	if err != nil {
		return "", err //nolint:wrapcheck // the decoder wraps it
	}
	if len(value) > longestEscape*limit {
		return "", &boundError{limit, "bytes"}
	}
	text, known := common[string(value)]
	if !known {
		text = unquote(value)
	}
	if len(text) > limit {
		return "", &boundError{limit, "bytes"}
	}
	return text, nil
}

// unquote is the text of a JSON string that the decoder has read, with U+FFFD for what is not UTF-8.
func unquote(value jsontext.Value) string {
	if plain := value[1 : len(value)-1]; !bytes.ContainsRune(plain, '\\') && utf8.Valid(plain) {
		return string(plain)
	}
	// An error tells of what is not UTF-8, which has been replaced.
	text, _ := jsontext.AppendUnquote(nil, value)
	return string(text)
}

// decodeEntry decodes the value of a label or an annotation.
func decodeEntry(dec *jsontext.Decoder) (string, error) {
	if dec.PeekKind() == '"' {
		return readText(dec, maxValue)
	}
	var other string
	err := json.UnmarshalDecode(dec, &other)
	return other, err //nolint:wrapcheck // the decoder wraps it
}

func decodeText(dec *jsontext.Decoder, to *string) (err error) {
	if dec.PeekKind() != '"' {
		return errors.ErrUnsupported
	}
	*to, err = readText(dec, maxText)
	return err
}

func readAmount(dec *jsontext.Decoder) (stdjson.RawMessage, error) {
	value, err := dec.ReadValue()
	if err != nil {
		return nil, err //nolint:wrapcheck // the decoder wraps it
	}
	if len(value) > maxAmount {
		return nil, &boundError{maxAmount, "bytes"}
	}
	return stdjson.RawMessage(bytes.Clone(value)), nil
}

func decodeAmount(dec *jsontext.Decoder, to *stdjson.RawMessage) (err error) {
	*to, err = readAmount(dec)
	return err
}
