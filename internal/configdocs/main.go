// Command configdocs writes what is derived from the types of pkg/config and their comments: the JSON Schema and the
// reference page.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	folder := flag.String("source", ".", "folder of pkg/config")
	page := flag.String("page", "configuration.md", "reference page to write")
	flag.Parse()
	if err := run(*folder, *page); err != nil {
		fmt.Fprintln(os.Stderr, "configdocs:", err)
		os.Exit(1)
	}
}

func run(folder, page string) error {
	files, err := generate(folder, page)
	if err != nil {
		return err
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return fmt.Errorf("failed to write: %w", err)
		}
	}
	return nil
}

// generate returns the content of the generated files by their names.
func generate(folder, page string) (map[string][]byte, error) {
	comments, err := readComments(folder)
	if err != nil {
		return nil, err
	}
	root := comments.model()
	schema, err := renderSchema(root)
	if err != nil {
		return nil, err
	}
	text, err := renderPage(root, filepath.Join(folder, "testdata", "good", "example.txtar"))
	if err != nil {
		return nil, err
	}
	return map[string][]byte{filepath.Join(folder, "schema.json"): schema, page: text}, nil
}
