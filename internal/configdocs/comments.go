package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
)

// comments are what the source of pkg/config says beyond its types.
type comments struct {
	// types and fields have the comments by <type> and <type>.<field>.
	types, fields map[string]string
	// constants are the values of the typed string constants, by type, as declared.
	constants map[string][]string
}

func readComments(folder string) (*comments, error) {
	c := &comments{types: map[string]string{}, fields: map[string]string{}, constants: map[string][]string{}}
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("failed to find the sources in %q: %w", folder, fs.ErrNotExist)
	}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("failed to parse the source: %w", err)
		}
		for _, decl := range file.Decls {
			if group, ok := decl.(*ast.GenDecl); ok {
				c.readGroup(group)
			}
		}
	}
	return c, nil
}

func (c *comments) readGroup(group *ast.GenDecl) {
	for _, spec := range group.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			c.readType(spec, group.Doc)
		case *ast.ValueSpec:
			c.readConstant(spec)
		}
	}
}

func (c *comments) readType(spec *ast.TypeSpec, doc *ast.CommentGroup) {
	c.types[spec.Name.Name] = fold(doc)
	object, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range object.Fields.List {
		for _, name := range field.Names {
			c.fields[spec.Name.Name+"."+name.Name] = fold(field.Doc)
		}
	}
}

func (c *comments) readConstant(spec *ast.ValueSpec) {
	typ, ok := spec.Type.(*ast.Ident)
	if !ok || len(spec.Values) != 1 {
		return
	}
	if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
		value, err := strconv.Unquote(literal.Value)
		if err == nil {
			c.constants[typ.Name] = append(c.constants[typ.Name], value)
		}
	}
}

// fold turns a comment into one line.
func fold(doc *ast.CommentGroup) string {
	return strings.Join(strings.Fields(doc.Text()), " ")
}
