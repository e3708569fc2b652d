package config

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// FileError is everything that is wrong with a configuration file.
type FileError struct {
	// Name of the file.
	Name string
	// Problems in the order of the file.
	Problems []Problem
}

// Problem is one thing that is wrong with a configuration file.
type Problem struct {
	// Line of the file, counted from 1; 0 where it is the whole file.
	Line int
	// Message with the path of the key, the value found, what is allowed, and the remedy.
	Message string
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

// locate finds the lines of the problems of a configuration that has been read.
func (r *reader) locate(invalid field.ErrorList) []Problem {
	problems := make([]Problem, len(invalid))
	for n, err := range invalid {
		problems[n] = Problem{Line: r.line(err.Field), Message: err.Error()}
	}
	sortByLine(problems)
	return problems
}

// line of the key with that path or, where the file does not have it, of the nearest key around it.
func (r *reader) line(path string) int {
	for path != "" {
		if line, found := r.lines[path]; found {
			return line
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return 0
}

func sortByLine(problems []Problem) {
	slices.SortStableFunc(problems, func(a, b Problem) int { return cmp.Compare(a.Line, b.Line) })
}
