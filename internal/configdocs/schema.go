package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strings"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// schema is a JSON Schema of draft 7, which every version of Helm understands. It has no references, so any part of it can be embedded
// elsewhere.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        any                `json:"type"`
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	MaxLength   int                `json:"maxLength,omitempty"`
	Minimum     *int64             `json:"minimum,omitempty"`
	Maximum     *int64             `json:"maximum,omitempty"`
	Default     any                `json:"default,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Additional  any                `json:"additionalProperties,omitempty"`
	Items       *schema            `json:"items,omitempty"`
	MinItems    int                `json:"minItems,omitempty"`
	Unique      bool               `json:"uniqueItems,omitempty"`
}

func renderSchema(root *node) ([]byte, error) {
	s := root.schema()
	s.Schema = "http://json-schema.org/draft-07/schema#"
	s.Title = "InjectorConfig"
	s.Description = root.typeDoc
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(s); err != nil {
		return nil, fmt.Errorf("failed to write the schema: %w", err)
	}
	return text.Bytes(), nil
}

func (n *node) schema() *schema {
	s := &schema{Description: n.doc, Enum: n.allowed, Default: n.value}
	switch n.kind {
	case kindString:
		s.Type = "string"
		s.setRule(n)
	case kindBoolean:
		s.Type = "boolean"
	case kindInteger:
		s.Type, s.Minimum = "integer", new(int64)
		if n.bits == 32 {
			s.Maximum = new(int64)
			*s.Maximum = math.MaxInt32
		}
	case kindQuantity:
		s.Type, s.Pattern = []string{"string", "number"}, config.QuantityPattern
	case kindPort:
		s.Type = []string{"integer", "string"}
	case kindList:
		s.Type, s.Items, s.Unique = "array", n.element.schema(), n.unique
		if n.nonempty {
			s.MinItems = 1
		}
	case kindMap:
		s.Type, s.Additional = "object", n.element.schema()
	case kindObject:
		s.Type, s.Additional, s.Properties = "object", false, map[string]*schema{}
		for _, k := range n.keys {
			s.Properties[k.name] = k.schema()
		}
	}
	if n.kind == kindObject && n.typeDoc != "" && n.doc != "" {
		s.Description = strings.TrimSpace(n.doc + " " + n.typeDoc)
	}
	return s
}

func (s *schema) setRule(n *node) {
	s.Pattern, s.MaxLength = n.rule.Pattern, n.rule.MaxLength
	if n.optional && s.Pattern != "" {
		s.Pattern = "^$|" + s.Pattern
	}
}
