package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/term"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

const stdin = "-"

// readAll reads the manifests of all files. The error joins the mistakes in all of them.
func readAll(names []string, streams genericiooptions.IOStreams) ([]*manifest.Document, error) {
	files, err := expand(names)
	if err != nil {
		return nil, err
	}
	var documents []*manifest.Document
	var problems []error
	for _, name := range files {
		found, err := readFile(name, streams)
		documents = append(documents, found...)
		problems = append(problems, err)
	}
	return documents, errors.Join(problems...)
}

// expand replaces a folder with the manifests in it, but not in folders below it, as kubectl does.
func expand(names []string) ([]string, error) {
	var files []string
	for _, name := range names {
		found, err := list(name)
		if err != nil {
			return nil, fmt.Errorf("failed to read the manifests: %w", err)
		}
		files = append(files, found...)
	}
	return files, nil
}

func list(name string) ([]string, error) {
	if name == stdin {
		return []string{name}, nil
	}
	info, err := os.Stat(name)
	if err != nil || !info.IsDir() {
		return []string{name}, err
	}
	entries, err := os.ReadDir(name)
	if err != nil {
		return nil, err
	}
	var files []string
	for _, entry := range entries {
		if !entry.IsDir() && slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(entry.Name())) {
			files = append(files, filepath.Join(name, entry.Name()))
		}
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("folder %s contains no .yaml, .yml or .json file", name)
	}
	return files, nil
}

func readFile(name string, streams genericiooptions.IOStreams) ([]*manifest.Document, error) {
	if name == stdin {
		if file, ok := streams.In.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
			fmt.Fprintln(streams.ErrOut, "reading manifests from the terminal, until Ctrl-D")
		}
		return parse(snapshot.StandardInput, streams.In)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("failed to read the manifests: %w", err)
	}
	defer file.Close()
	return parse(name, file)
}

func parse(name string, from io.Reader) ([]*manifest.Document, error) {
	data, err := io.ReadAll(io.LimitReader(from, manifest.MaxSize+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("failed to read %s: %w", strings.TrimSpace(name), err)
	case len(data) > manifest.MaxSize:
		return nil, fmt.Errorf("%s is too large: must be no more than %d MiB", name, manifest.MaxSize>>20)
	}
	return manifest.Parse(name, data)
}

func count(names []string, name string) int {
	found := 0
	for _, other := range names {
		if other == name {
			found++
		}
	}
	return found
}
