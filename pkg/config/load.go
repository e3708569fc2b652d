package config

import (
	"fmt"
	"io"
	"os"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/performancecopilot/pcp-injector/internal/strictyaml"
)

// maxFileSize is the limit of a ConfigMap, which usually holds the file.
const maxFileSize = 1 << 20

// Load reads, completes and validates the configuration file. Errors in its content are a *FileError.
func Load(path string) (*InjectorConfig, error) {
	data, err := readFile(path)
	if err != nil {
		return nil, err
	}
	return Parse(data, path)
}

// readFile stops one byte beyond the limit: enough for Parse to refuse the file, even an endless one.
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

// Parse decodes a configuration file, YAML or JSON, over the defaults, completes it and validates it. The name of the file is for the
// error, a *FileError with everything that is wrong.
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
	document, problem := strictyaml.Parse(data)
	if problem != nil {
		return nil, []Problem{*problem}
	}
	if problems := checkVersion(document); len(problems) > 0 {
		return nil, problems
	}
	cfg := Default()
	problems := document.Decode(cfg, scalars)
	cfg.Complete()
	problems = append(problems, locate(document, cfg.Validate())...)
	strictyaml.SortByLine(problems)
	return cfg, problems
}

// checkVersion comes first, because other versions and kinds have other keys.
func checkVersion(document *strictyaml.Document) []Problem {
	var problems []Problem
	for _, key := range []struct{ name, want string }{{"apiVersion", APIVersion}, {"kind", Kind}} {
		if text, line := document.Text(key.name); line > 0 && text != key.want {
			err := field.NotSupported(field.NewPath(key.name), text, []string{key.want})
			problems = append(problems, Problem{Line: line, Message: err.Error()})
		}
	}
	strictyaml.SortByLine(problems)
	return problems
}

// locate finds the lines of the problems in a decoded configuration, without those that may come from keys that were not decoded.
func locate(document *strictyaml.Document, invalid field.ErrorList) []Problem {
	var problems []Problem
	for _, err := range invalid {
		if document.Sound(err.Field) {
			problems = append(problems, Problem{Line: document.Line(err.Field), Message: err.Error()})
		}
	}
	return problems
}

// QuantityPattern is the syntax of quantities. It keeps 1e-999999999 from Kubernetes' own parser, which would take minutes.
const QuantityPattern = `^[+-]?([0-9]{1,30}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE][+-]?[0-9]{1,2}|[numkMGTPE]|[KMGTPE]i)?$`

// scalars are the types of the configuration that decode themselves.
var scalars = strictyaml.Scalars{
	reflect.TypeFor[resource.Quantity]():  {Form: "must be a quantity, e.g. 50m, 0.5, 128Mi or 1Gi", Pattern: regexp.MustCompile(QuantityPattern)},
	reflect.TypeFor[intstr.IntOrString](): {Form: "must be a port number or the name of a port"},
}

// Problem is one thing that is wrong with a configuration file.
type Problem = strictyaml.Problem

// FileError is everything that is wrong with a configuration file.
type FileError struct {
	// Name of the file.
	Name string
	// Problems in the order of the file.
	Problems []Problem
}

// Error has a line for each problem: <file>:<line>: <message>.
func (e *FileError) Error() string {
	lines := make([]string, len(e.Problems))
	for n, problem := range e.Problems {
		lines[n] = e.Name + ": " + problem.Message
		if problem.Line > 0 {
			lines[n] = e.Name + ":" + strconv.Itoa(problem.Line) + ": " + problem.Message
		}
	}
	return strings.Join(lines, "\n")
}
