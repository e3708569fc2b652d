// Package quote writes text as JSON.
package quote

import "github.com/go-json-experiment/json/jsontext"

// Append appends text as a JSON string, without the escapes for HTML that json.Marshal adds. Invalid UTF-8 is replaced.
func Append(to []byte, text string) []byte {
	// The only error is invalid UTF-8.
	to, _ = jsontext.AppendQuote(to, text)
	return to
}
