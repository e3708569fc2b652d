package remedy

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/performancecopilot/pcp-injector/internal/terminal"
)

// Slot is a place in a remedy for a value that comes from outside.
type Slot struct {
	name string
	// word stands for a value that is not known, and meaning says for what.
	word, meaning string
	// fits reports whether a value is what an API server, Helm or a file system accepts there.
	fits func(string) bool
	// what the value should be, for people.
	what string
}

// Value of a slot, or several where the slot is for several words.
type Value struct {
	slot  *Slot
	texts []string
}

// Is gives the slot its value.
func (s *Slot) Is(texts ...string) Value { return Value{s, texts} }

var slots = map[string]*Slot{}

func slot(name string, fits func(string) bool, what, meaning string) *Slot {
	s := &Slot{name, strings.ToUpper(strings.ReplaceAll(name, "-", "_")), meaning, fits, what}
	slots[name] = s
	return s
}

// as gives the slot another word.
func (s *Slot) as(word string) *Slot {
	s.word = word
	return s
}

// The slots. An API server does not check the names in owner references and annotations, so each value is checked here.
var (
	InNamespace = slot("namespace", isLabel, "the name of a namespace", "the namespace of that release")
	TargetIn    = slot("target-namespace", isLabel, "the name of a namespace", "the namespace of the target").as("TARGET")
	TargetName  = slot("target-name", isName, "the name of an object", "the name of the target").as("TARGET_NAME")
	Name        = slot("name", isName, "the name of an object", "the name of that object")
	Names       = slot("names", isName, "the name of an object", "the names of the objects")
	Object      = slot("object", isObject, "a kind and the name of an object", "a kind and a name, e.g. deployment/node-monitor")
	Kind        = slot("kind", isKind, "a kind of objects", "the kind of that object")
	Pods        = slot("pod", isName, "the name of a pod", "the name of that pod")
	Container   = slot("container", isLabel, "the name of a container", "the name of that container")
	Secret      = slot("secret", isName, "the name of a Secret", "the Secret with the webhook's certificate")
	ReleaseName = slot("release", isReleaseName, "the name of a release", "the release of pcp-injector, as helm list --all-namespaces names it")
	Chart       = slot("chart", anything, "a chart", "the chart that the release was installed from: its folder or its address")
	Revision    = slot("revision", isNumber, "a number", "the last revision that helm history lists as deployed")
	Working     = slot("working", isNumber, "a number", "the last revision in that list with which the injector has worked").as("REVISION")
	Manifest    = slot("manifest", anything, "a file", "the file that describes the object")
	File        = slot("file", anything, "a file", "the file that describes the object")
	Amount      = slot("amount", isQuantity, "an amount", "what the container needs")
	Key         = slot("key", isKey, "a key", "the key of the amount")
	Label       = slot("label", isAssignment, "a label", "a label")
	User        = slot("user", anything, "the name of a user", "your name, as kubectl auth whoami shows it")
	Role        = slot("role", isName, "the name of a role", "the name of the role")
	Verbs       = slot("verbs", isKey, "verbs", "the verbs")
	Resource    = slot("resource", isKey, "a resource", "the resource")
	Selector    = slot("selector", anything, "a selector of labels", "the labels of those objects")
	Patch       = slot("patch", isJSON, "a patch", "the patch")
	// Prose is for advice alone: no command has it.
	Prose = slot("text", nothing, "prose", "prose")
)

// of are the texts of the slot among the values; its word where there is none.
func of(s *Slot, values []Value) []string {
	at := slices.IndexFunc(values, func(v Value) bool { return v.slot == s })
	if at < 0 || len(values[at].texts) == 0 {
		return []string{s.word}
	}
	texts := slices.Clone(values[at].texts)
	for n := range texts {
		if texts[n] == "" {
			texts[n] = s.word
		}
	}
	return texts
}

// maxShown is how much of a refused value is shown.
const maxShown = 60

// problem says why the text is not in a command; empty if it may be.
func (s *Slot) problem(text string) string {
	switch {
	case text == s.word:
		return ""
	case !terminal.Shows(text):
		return fmt.Sprintf("No command is shown, because a terminal would not show %s as it is: %q", s.what, head(text))
	case !s.fits(text):
		return fmt.Sprintf("No command is shown, because %q cannot be %s: somebody may have made it up for whoever pastes commands", head(text), s.what)
	}
	return ""
}

func head(text string) string {
	if utf8.RuneCountInString(text) <= maxShown {
		return text
	}
	return string([]rune(text)[:maxShown]) + "…"
}

var (
	kinds       = regexp.MustCompile(`^[A-Z][A-Za-z0-9]{0,62}$`)
	resources   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]{0,62}(?:\.[a-z0-9.-]{1,253})?$`)
	numbers     = regexp.MustCompile(`^[1-9]\d{0,9}$`)
	quantities  = regexp.MustCompile(`^\d+(?:\.\d+)?[A-Za-z]{0,2}$`)
	keys        = regexp.MustCompile(`^[a-z][a-zA-Z0-9.,/-]{0,252}$`)
	assignments = regexp.MustCompile(`^[A-Za-z0-9./_-]{1,317}=[A-Za-z0-9._-]{0,63}$`)
)

func isLabel(text string) bool { return len(validation.IsDNS1123Label(text)) == 0 }

func isName(text string) bool { return len(validation.IsDNS1123Subdomain(text)) == 0 }

func isObject(text string) bool {
	kind, name, found := strings.Cut(text, "/")
	return found && resources.MatchString(kind) && isName(name)
}

// maxRelease is Helm's limit.
const maxRelease = 53

func isReleaseName(text string) bool { return len(text) <= maxRelease && isName(text) }

func isKind(text string) bool { return kinds.MatchString(text) }

func isNumber(text string) bool { return numbers.MatchString(text) }

func isQuantity(text string) bool { return quantities.MatchString(text) }

func isKey(text string) bool { return keys.MatchString(text) }

func isAssignment(text string) bool { return assignments.MatchString(text) }

func isJSON(text string) bool { return json.Valid([]byte(text)) }

func anything(string) bool { return true }

func nothing(string) bool { return false }
