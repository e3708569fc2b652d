package remedy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/quote"
	"github.com/performancecopilot/pcp-injector/internal/terminal"
)

// Effect is what the commands of a remedy change.
type Effect int

// The effects, from the smallest.
const (
	// Nothing: the commands only show something, or there are none.
	Nothing Effect = iota
	// Workload: the target, its pods, and what runs in them.
	Workload
	// Namespace: labels, claims, quotas and the like, that are not a release's.
	Namespace
	// Rights that a user has.
	Rights
	// Release: objects that Helm has made. After such a remedy, the release can still be upgraded, uninstalled and installed again.
	Release
)

// who may follow a remedy: whoever runs the plugin, if empty.
type who string

// administrator of the cluster, or of the release.
const administrator who = "Have the administrator "

// Template is a registered remedy. Its texts have slots for values, as <slot>.
type Template struct {
	name   string
	who    who
	advice string
	// alone is the advice without the commands, if advice ends where they begin.
	alone    string
	changes  Effect
	commands []command
	notes    []string
}

// command is a line for a shell. Its words are separated by spaces.
type command struct {
	words string
	// input is JSON that the command reads; empty if it reads nothing.
	input string
}

// run is a command that reads nothing.
func run(words string) command { return command{words: words} }

// Name of the template.
func (t *Template) Name() string { return t.name }

// Changes is what its commands change.
func (t *Template) Changes() Effect { return t.changes }

// Runs reports whether it has commands.
func (t *Template) Runs() bool { return len(t.commands) > 0 }

var registered []*Template

// All are the registered templates.
func All() []*Template { return slices.Clone(registered) }

// register is how every template is made.
func register(t Template) *Template {
	registered = append(registered, &t)
	return &t
}

// With makes the remedy for values. A slot without a value is a word in capital letters, which a note explains. If a value cannot be what
// it claims to be, there is no command, and a note says why: somebody may have made it up for whoever pastes commands.
func (t *Template) With(values ...Value) *Remedy {
	r := &Remedy{t, Text{Name: t.name, Advice: string(t.who) + t.fill(t.advice, values)}}
	if problem := t.refused(values); problem != "" {
		if t.alone != "" {
			r.text.Advice = t.alone
		}
		r.text.Notes = []string{problem}
		return r
	}
	for _, c := range t.commands {
		r.text.Commands = append(r.text.Commands, c.line(values))
	}
	for _, note := range t.notes {
		r.text.Notes = append(r.text.Notes, t.fill(note, values))
	}
	r.text.Notes = append(r.text.Notes, t.unknown(values)...)
	return r
}

// slotIn matches a slot in a text.
var slotIn = regexp.MustCompile(`<([a-z-]+)>`)

// named are the slots of the texts, each once.
func named(texts ...string) []*Slot {
	var found []*Slot
	for _, text := range texts {
		for _, match := range slotIn.FindAllStringSubmatch(text, -1) {
			if slot := slots[match[1]]; !slices.Contains(found, slot) {
				found = append(found, slot)
			}
		}
	}
	return found
}

// inCommands are the slots of the commands.
func (t *Template) inCommands() []*Slot {
	var texts []string
	for _, c := range t.commands {
		texts = append(texts, c.words, c.input)
	}
	return named(texts...)
}

// fill puts the values into prose, which nobody pastes.
func (t *Template) fill(text string, values []Value) string {
	return slotIn.ReplaceAllStringFunc(text, func(name string) string {
		return terminal.Plain(strings.Join(of(slots[strings.Trim(name, "<>")], values), " "))
	})
}

// refused says why there is no command; empty if there is one.
func (t *Template) refused(values []Value) string {
	for _, slot := range t.inCommands() {
		for _, text := range of(slot, values) {
			if problem := slot.problem(text); problem != "" {
				return problem
			}
		}
	}
	return ""
}

// unknown explains the words for what only the user knows.
func (t *Template) unknown(values []Value) []string {
	var notes []string
	for _, slot := range t.inCommands() {
		if slices.Contains(of(slot, values), slot.word) {
			notes = append(notes, fmt.Sprintf("%s stands for %s", slot.word, slot.meaning))
		}
	}
	return notes
}

// line is the command for a shell.
func (c *command) line(values []Value) string {
	var words []string
	for pattern := range strings.FieldsSeq(c.words) {
		for _, word := range filled(pattern, values) {
			words = append(words, shellWord(word))
		}
	}
	line := strings.Join(words, " ")
	if c.input == "" {
		return line
	}
	input := slotIn.ReplaceAllStringFunc(c.input, func(name string) string {
		text := strings.Join(of(slots[strings.Trim(name, "<>")], values), " ")
		quoted := string(quote.Append(nil, text))
		return quoted[1 : len(quoted)-1]
	})
	return "echo " + shellWord(input) + " | " + line
}

// filled are the words that a pattern becomes: one for each value of its slot.
func filled(pattern string, values []Value) []string {
	words := []string{pattern}
	for _, slot := range named(pattern) {
		var next []string
		for _, word := range words {
			for _, text := range of(slot, values) {
				next = append(next, strings.ReplaceAll(word, "<"+slot.name+">", text))
			}
		}
		words = next
	}
	return words
}

// harmless matches words that mean nothing but themselves to any shell.
var harmless = regexp.MustCompile(`^[A-Za-z0-9_/.-][A-Za-z0-9_@%+=:,./-]*$`)

// shellWord makes one word of a shell out of any text.
func shellWord(text string) string {
	if harmless.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}
