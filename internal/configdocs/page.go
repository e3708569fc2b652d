package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"text/template"

	"github.com/rogpeppe/go-internal/txtar"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

//go:embed page.md.tmpl
var pageTemplate string

// section of the page: a type of objects with its keys.
type section struct {
	// Paths of the objects of the type, empty for the file itself.
	Paths []string
	Doc   string
	Rows  []row
}

type row struct{ Key, Type, Default, Meaning string }

func renderPage(root *node, fixtures string) ([]byte, error) {
	example, err := fixture(fixtures, "daemon-set.yaml")
	if err != nil {
		return nil, err
	}
	completed := config.Default()
	completed.Complete()
	page, err := template.New("page").Parse(pageTemplate)
	if err != nil {
		return nil, fmt.Errorf("failed to parse the template: %w", err)
	}
	var text bytes.Buffer
	err = page.Execute(&text, map[string]any{
		"Defaults": root.yaml(asJSON(completed), ""),
		"Example":  example,
		"Sections": root.sections("", nil),
	})
	if err != nil {
		return nil, fmt.Errorf("failed to write the page: %w", err)
	}
	return text.Bytes(), nil
}

// fixture is a file of the tests, so the example is known to work.
func fixture(archive, name string) (string, error) {
	files, err := txtar.ParseFile(archive)
	if err != nil {
		return "", fmt.Errorf("failed to read the example: %w", err)
	}
	for _, file := range files.Files {
		if file.Name == name {
			return string(file.Data), nil
		}
	}
	return "", fmt.Errorf("failed to find the example %q in %q", name, archive)
}

// sections appends the object's own section and those of the objects in it, except for Kubernetes' own types, which Kubernetes documents. A
// type that is used again only adds its path.
func (n *node) sections(path string, all []*section) []*section {
	if at := slices.IndexFunc(all, func(s *section) bool { return s.Doc == n.typeDoc }); at >= 0 {
		all[at].Paths = append(all[at].Paths, path)
		return all
	}
	own := &section{Doc: n.typeDoc}
	if path != "" {
		own.Paths = []string{path}
	}
	all = append(all, own)
	for _, k := range n.keys {
		own.Rows = append(own.Rows, row{Key: k.name, Type: k.typeName(), Default: k.defaultText(), Meaning: k.meaning()})
		if object, at := k.object(strings.TrimPrefix(path+"."+k.name, ".")); object != nil {
			all = object.sections(at, all)
		}
	}
	return all
}

// object is the object that the value is or consists of, if it has a section, and its path.
func (n *node) object(path string) (*node, string) {
	switch {
	case n.kind == kindMap:
		return n.element.object(path + ".<name>")
	case n.kind == kindList:
		return n.element.object(path + "[]")
	case n.kind == kindObject && !n.foreign:
		return n, path
	}
	return nil, ""
}

func (n *node) typeName() string {
	switch n.kind {
	case kindBoolean:
		return "boolean"
	case kindInteger:
		return "integer"
	case kindQuantity:
		return "quantity"
	case kindPort:
		return "port"
	case kindList:
		return "list of " + plural(n.element.typeName())
	case kindMap:
		return "map of names to " + plural(n.element.typeName())
	case kindObject:
		if n.foreign {
			return n.typ
		}
		return "object"
	default:
		return n.stringType()
	}
}

func (n *node) stringType() string {
	if len(n.allowed) > 0 {
		return "`" + strings.Join(n.allowed, "`, `") + "`"
	}
	return "string"
}

// plural is for the names of types. Values and Kubernetes' types have no plural.
func plural(name string) string {
	switch name {
	case "string", "object":
		return name + "s"
	case "quantity":
		return "quantities"
	}
	return name
}

func (n *node) defaultText() string {
	if n.value == nil {
		return ""
	}
	return "`" + inline(n.value) + "`"
}

// meaning is the comment. Kubernetes documents its own types at length, so only the first sentence of theirs.
func (n *node) meaning() string {
	text := n.doc
	if first, _, more := strings.Cut(text, ". "); more && n.foreignDoc {
		text = first + "."
	}
	return strings.NewReplacer("|", `\|`, "<", "&lt;", "*", `\*`).Replace(text)
}
