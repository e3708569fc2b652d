package config

import (
	"bytes"
	_ "embed"
)

//go:generate go run ../../internal/configdocs -source . -page ../../docs/configuration.md
//go:generate go run ../../internal/chartschema ../../charts/pcp-injector ../../charts/pcp

//go:embed schema.json
var schema []byte

// Schema is the JSON Schema (draft 7) of the configuration file, without references, so that any part can be embedded.
func Schema() []byte {
	return bytes.Clone(schema)
}
