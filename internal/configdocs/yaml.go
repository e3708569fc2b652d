package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// yaml writes a value with its keys in the order of the types, which YAML encoders do not keep. No string of the defaults needs quotes.
func (n *node) yaml(value any, indent string) string {
	object, ok := value.(map[string]any)
	if !ok || len(object) == 0 {
		return indent + inline(value) + "\n"
	}
	var text strings.Builder
	for _, name := range n.order(object) {
		child := &node{}
		if k := n.key(name); k != nil {
			child = k
		}
		if below, ok := object[name].(map[string]any); ok && len(below) > 0 {
			fmt.Fprintf(&text, "%s%s:\n%s", indent, name, child.yaml(below, indent+"  "))
			continue
		}
		fmt.Fprintf(&text, "%s%s: %s\n", indent, name, inline(object[name]))
	}
	return text.String()
}

func (n *node) order(object map[string]any) []string {
	if n.kind != kindObject {
		return slices.Sorted(maps.Keys(object))
	}
	var names []string
	for _, k := range n.keys {
		if _, present := object[k.name]; present {
			names = append(names, k.name)
		}
	}
	return names
}

// inline writes a value on one line, in YAML's flow style.
func inline(value any) string {
	if list, ok := value.([]any); ok {
		items := make([]string, len(list))
		for n, item := range list {
			items[n] = inline(item)
		}
		return "[" + strings.Join(items, ", ") + "]"
	}
	if object, ok := value.(map[string]any); ok {
		var items []string
		for _, name := range slices.Sorted(maps.Keys(object)) {
			items = append(items, name+": "+inline(object[name]))
		}
		return "{" + strings.Join(items, ", ") + "}"
	}
	if text, ok := value.(string); ok && text != "" {
		return text
	}
	data, err := json.Marshal(value)
	if err != nil {
		panic(err) // it came from JSON
	}
	return string(data)
}
