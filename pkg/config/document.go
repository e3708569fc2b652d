package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// parseDocument parses the only YAML document of a file. A file without any content is an empty mapping.
func parseDocument(data []byte) (*yaml.Node, *Problem) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var first, second yaml.Node
	switch err := decoder.Decode(&first); {
	case errors.Is(err, io.EOF):
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	case err != nil:
		return nil, syntaxProblem(err)
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		return nil, &Problem{Line: second.Line, Message: "a second document: the file must hold one alone"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxProblem(err)
	}
	root := first.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return &yaml.Node{Kind: yaml.MappingNode}, nil
	}
	return root, nil
}

var syntaxError = regexp.MustCompile(`^(?:yaml: )?(?:line (\d+): )?`)

// syntaxProblem takes the line out of the parser's message.
func syntaxProblem(err error) *Problem {
	match := syntaxError.FindStringSubmatch(err.Error())
	line, _ := strconv.Atoi(match[1]) // none is line 0
	return &Problem{Line: line, Message: "not valid YAML: " + strings.TrimPrefix(err.Error(), match[0])}
}

// checkVersion comes before everything else, since the keys of other versions and kinds are other keys.
func checkVersion(root *yaml.Node) []Problem {
	var problems []Problem
	for n := 0; n+1 < len(root.Content) && root.Kind == yaml.MappingNode; n += 2 {
		key, value := root.Content[n], root.Content[n+1]
		want := map[string]string{"apiVersion": APIVersion, "kind": Kind}[key.Value]
		if want == "" || value.Kind != yaml.ScalarNode || value.ShortTag() != "!!str" || value.Value == want {
			continue
		}
		err := field.NotSupported(field.NewPath(key.Value), value.Value, []string{want})
		problems = append(problems, Problem{Line: key.Line, Message: err.Error()})
	}
	return problems
}

// describe names the kind of a node's value for people.
func describe(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "an object"
	case yaml.SequenceNode:
		return "a list"
	default:
		return describeScalar(node)
	}
}

func describeScalar(node *yaml.Node) string {
	switch node.ShortTag() {
	case "!!str", "!!timestamp":
		return "a string"
	case "!!int", "!!float":
		return "a number"
	case "!!bool":
		return "a boolean"
	}
	return "a value with the tag " + node.ShortTag()
}
