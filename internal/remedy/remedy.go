// Package remedy holds all that the plugin tells people to do, and the commands that do it. No other package can make a remedy: what is
// told is registered here, where each value from the cluster becomes one harmless word, or the remedy has no command.
package remedy

import (
	"encoding/json"
	"slices"
	"strings"
)

// Remedy says how to pass a gate. Only a Template makes one.
type Remedy struct {
	template *Template
	text     Text
}

// Text is a remedy in words, as machines get it.
type Text struct {
	// Name of its template, stable for machines.
	Name string `json:"name"`
	// Advice is a sentence in the imperative, without its period.
	Advice string `json:"advice"`
	// Commands that do it, in this order, if commands can. A value that only the user knows is a word in capital letters.
	Commands []string `json:"commands,omitempty"`
	// Notes are sentences about the commands, without their periods.
	Notes []string `json:"notes,omitempty"`
	// Order of the remedies of several gates. Lower ones come first, and equal ones in the order of the gates.
	Order int `json:"order"`
}

// Text is what to tell.
func (r *Remedy) Text() Text { return r.text }

// MarshalJSON writes the text.
func (r *Remedy) MarshalJSON() ([]byte, error) {
	return json.Marshal(r.text) //nolint:wrapcheck // cannot fail: it holds texts
}

// NotBefore puts the remedy after those of lower orders.
func (r *Remedy) NotBefore(order int) *Remedy {
	r.text.Order = max(r.text.Order, order)
	return r
}

// Sentence is the advice, with the punctuation for what follows it.
func (r *Remedy) Sentence() string {
	if len(r.text.Commands) > 0 {
		return r.text.Advice + ":"
	}
	return r.text.Advice + "."
}

// Command is the first command, to be part of a sentence; without its values if it has none.
func (r *Remedy) Command() string {
	if len(r.text.Commands) == 0 {
		before, _, _ := strings.Cut(r.template.commands[0].words, " <")
		return before
	}
	return r.text.Commands[0]
}

// Equal reports whether both tell the same.
func (r *Remedy) Equal(other *Remedy) bool {
	return r.text.Advice == other.text.Advice && slices.Equal(r.text.Commands, other.text.Commands)
}
