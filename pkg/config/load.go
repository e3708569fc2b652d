package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	kjson "sigs.k8s.io/json"
)

// maxFileSize is that of the ConfigMap that usually holds the file.
const maxFileSize = 1 << 20

// Load reads, completes and validates the configuration file. What is wrong with its content is a *FileError.
func Load(path string) (*InjectorConfig, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(data, path)
}

// readFile reads one byte more than is allowed, for Parse to complain about, and so never more of an endless file.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("failed to read the configuration: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFileSize+1))
	if err != nil {
		return nil, fmt.Errorf("failed to read the configuration: %w", err)
	}
	return data, nil
}

// Parse decodes a configuration file, given as YAML or JSON, over the defaults, completes and validates it. The name of the
// file is for the errors, which are a *FileError with everything that is wrong.
func Parse(data []byte, name string) (*InjectorConfig, error) {
	cfg, problems := parse(data)
	if len(problems) > 0 {
		return nil, &FileError{Name: name, Problems: problems}
	}
	return cfg, nil
}

func parse(data []byte) (*InjectorConfig, []Problem) {
	if len(data) > maxFileSize {
		return nil, []Problem{{Message: fmt.Sprintf("file too large: must be no more than %d bytes", maxFileSize)}}
	}
	root, problem := parseDocument(data)
	if problem != nil {
		return nil, []Problem{*problem}
	}
	if problems := checkVersion(root); len(problems) > 0 {
		return nil, problems
	}
	r := &reader{lines: map[string]int{}}
	value := r.read(root, reflect.TypeFor[InjectorConfig](), nil)
	if len(r.problems) > 0 {
		sortByLine(r.problems)
		return nil, r.problems
	}
	cfg, err := decode(value)
	if err != nil {
		return nil, []Problem{{Message: err.Error()}}
	}
	cfg.Complete()
	return cfg, r.locate(cfg.Validate())
}

// decode decodes what the reader has checked, so an error here is a gap in the reader.
func decode(value any) (*InjectorConfig, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("failed to convert to JSON: %w", err)
	}
	cfg := Default()
	strict, err := kjson.UnmarshalStrict(data, cfg)
	if err := errors.Join(append(strict, err)...); err != nil {
		return nil, fmt.Errorf("failed to decode: %w", err)
	}
	return cfg, nil
}
