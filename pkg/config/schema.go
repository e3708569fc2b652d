package config

import (
	"bytes"
	_ "embed"

	"k8s.io/apimachinery/pkg/util/validation"
)

//go:generate go run ../../internal/configdocs -source . -page ../../docs/configuration.md
//go:generate go run ../../internal/chartschema ../../charts/pcp-injector ../../charts/pcp

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (draft 7) of the configuration file, without references, so any part can be embedded. It refuses nothing that
// Validate accepts. Validate refuses more, because a schema cannot check the names in maps or compare keys with each other.
func Schema() []byte {
	return bytes.Clone(schema)
}

// TextRule is a rule about a text that a JSON Schema can express.
type TextRule struct {
	// Pattern is a regular expression in the syntax that RE2 and ECMA 262 share.
	Pattern string
	// MaxLength in characters; 0 for any.
	MaxLength int
}

const (
	labelPattern     = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	subdomainPattern = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`
	// imagePattern has every character of an image reference, including those of an IPv6 address.
	imagePattern    = `^[A-Za-z0-9\[][A-Za-z0-9._:/@+\[\]-]*$`
	hostPortPattern = `^(\[[0-9A-Za-z:.%-]+\]|[a-z0-9]([-a-z0-9.]*[a-z0-9])?):[1-9][0-9]{0,4}$`
)

// TextRules are the rules that the struct tag "schema" can name, for a string or for each string of a list. The tag also accepts optional
// (the string may be empty) and, for lists, unique and nonempty. Fields that may hold a secret, such as a URL, have no rule: programs that
// validate against a schema print the values that it refuses.
var TextRules = map[string]TextRule{
	"label":     {labelPattern, validation.DNS1123LabelMaxLength},
	"subdomain": {subdomainPattern, validation.DNS1123SubdomainMaxLength},
	"kind":      {kindPattern.String(), 0},
	"agent":     {agentName.String(), 0},
	"image":     {imagePattern, 0},
	"path":      {pathPattern.String(), 0},
	"hostPort":  {hostPortPattern, 0},
	"stockRule": {stockRule.String(), 0},
}
