package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// schema is a JSON Schema of draft 7, which every version of Helm understands.
type schema = map[string]any

// configMark in an @schema line stands for the schema of the InjectorConfig.
const configMark = "$config"

// schemaOfValues derives a closed schema from a values file: types from the values, descriptions from the comments for helm-docs ("# --
// text"), and all else from "# @schema {…}" lines above those, whose keys take precedence. It also reports whether the values contain the
// InjectorConfig.
func schemaOfValues(values []byte, title string) (text []byte, embeds bool, err error) {
	var document yaml.Node
	if err := yaml.Unmarshal(values, &document); err != nil {
		return nil, false, fmt.Errorf("failed to parse: %w", err)
	}
	if len(document.Content) != 1 || document.Content[0].Kind != yaml.MappingNode {
		return nil, false, errors.New("must be one mapping")
	}
	r := &reader{}
	root, err := r.object(document.Content[0])
	if err != nil {
		return nil, false, err
	}
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = title
	// Helm passes the parent chart's global values to its subcharts.
	if properties, ok := root["properties"].(schema); ok {
		properties["global"] = schema{"description": "Values that a parent chart shares; not used.", "type": "object"}
	}
	text, err = render(root)
	return text, r.embeds, err
}

func render(root schema) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(root); err != nil {
		return nil, fmt.Errorf("failed to write the schema: %w", err)
	}
	return text.Bytes(), nil
}

// reader walks the values.
type reader struct {
	embeds bool
}

// object requires all keys. Helm merges the defaults before it validates, so a key can only be missing because null in the user's values
// deletes it.
func (r *reader) object(node *yaml.Node) (schema, error) {
	properties, required := schema{}, []string{}
	for n := 0; n+1 < len(node.Content); n += 2 {
		key, value := node.Content[n], node.Content[n+1]
		property, err := r.property(key, value)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", key.Line, key.Value, err)
		}
		properties[key.Value] = property
		required = append(required, key.Value)
	}
	slices.Sort(required)
	return schema{"type": "object", "properties": properties, "required": required, "additionalProperties": false}, nil
}

func (r *reader) property(key, value *yaml.Node) (schema, error) {
	description, given, err := parseComment(key.HeadComment)
	if err != nil {
		return nil, err
	}
	s, err := r.value(value, given)
	if err != nil {
		return nil, err
	}
	if description != "" {
		s["description"] = description
	} else if value.Kind != yaml.MappingNode || len(value.Content) == 0 {
		return nil, errors.New(`must be documented: add a comment "# -- …" above it`)
	}
	return s, nil
}

func (r *reader) value(value *yaml.Node, given schema) (schema, error) {
	if _, ok := given[configMark]; ok {
		r.embeds = true
		return configSchema()
	}
	if _, ok := given[peersMark]; ok {
		return peersSchema(), nil
	}
	s, err := r.inferred(value, given)
	if err != nil {
		return nil, err
	}
	maps.Copy(s, given)
	return s, nil
}

// inferred is what the value itself shows. An empty map or list shows nothing of its content, so the comment must describe it.
func (r *reader) inferred(value *yaml.Node, given schema) (schema, error) {
	s := schema{}
	if err := value.Decode(new(any)); err != nil {
		return nil, fmt.Errorf("failed to read the value: %w", err)
	}
	switch value.ShortTag() {
	case "!!str":
		s["type"] = "string"
	case "!!int":
		s["type"] = "integer"
	case "!!bool":
		s["type"] = "boolean"
	case "!!seq":
		s["type"] = "array"
		if given["items"] == nil {
			return nil, errors.New(`a list needs a schema for its items: add "# @schema {"items": …}"`)
		}
	case "!!map":
		return r.inferredObject(value, given)
	default:
		return nil, fmt.Errorf("has no default that shows its type: %s", value.ShortTag())
	}
	return s, nil
}

func (r *reader) inferredObject(value *yaml.Node, given schema) (schema, error) {
	switch {
	case given["additionalProperties"] != nil:
		return schema{"type": "object"}, nil
	case given["properties"] != nil:
		return schema{"type": "object", "additionalProperties": false}, nil
	case len(value.Content) == 0:
		return nil, errors.New(`an empty map needs a schema for its values: add "# @schema {"additionalProperties": …}"`)
	}
	return r.object(value)
}

// parseComment splits a key's comment into the description and the content of the @schema lines.
func parseComment(comment string) (description string, given schema, err error) {
	var words []string
	for line := range strings.Lines(comment) {
		line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "#"))
		if text, ok := strings.CutPrefix(line, "@schema "); ok {
			if err := json.Unmarshal([]byte(text), &given); err != nil {
				return "", nil, fmt.Errorf("failed to read the @schema line: %w", err)
			}
			continue
		}
		if text, ok := strings.CutPrefix(line, "-- "); ok {
			words = []string{text}
		} else if words != nil {
			words = append(words, line)
		}
	}
	return strings.Join(words, " "), given, nil
}

// configSchema is the schema of the file, without the two keys that the chart adds.
func configSchema() (schema, error) {
	var s schema
	if err := json.Unmarshal(config.Schema(), &s); err != nil {
		return nil, fmt.Errorf("failed to read the schema of the configuration: %w", err)
	}
	delete(s, "$schema")
	delete(s, "title")
	if properties, ok := s["properties"].(schema); ok {
		delete(properties, "apiVersion")
		delete(properties, "kind")
	}
	return s, nil
}
