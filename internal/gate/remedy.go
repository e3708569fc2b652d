package gate

import (
	"regexp"
	"slices"
	"strings"
)

// Remedy says how to pass a gate.
type Remedy struct {
	// Advice is a sentence in the imperative, without its period.
	Advice string `json:"advice"`
	// Commands that do it, in this order, if commands can. A value that only the user knows is a word in capital letters, which a shell
	// leaves as it is.
	Commands []string `json:"commands,omitempty"`
	// Notes are sentences about the commands, without their periods.
	Notes []string `json:"notes,omitempty"`
	// Order of the remedies of several gates. Lower ones come first, and equal ones in the order of the gates.
	Order int `json:"order"`
}

// placeholders are the words in commands for values that only the user knows.
var placeholders = []struct {
	word    *regexp.Regexp
	meaning string
}{
	{regexp.MustCompile(`\bCHART\b`), "CHART stands for the chart that the release was installed from: its folder or its address"},
	{regexp.MustCompile(`\bRELEASE\b`), "RELEASE stands for the release of pcp-injector, as helm list --all-namespaces names it"},
	{regexp.MustCompile(`\bNAMESPACE\b`), "NAMESPACE stands for the namespace of that release"},
	{regexp.MustCompile(`\bSECRET\b`), "SECRET stands for the Secret with the webhook's certificate"},
	{regexp.MustCompile(`\bMANIFEST\b`), "MANIFEST stands for the file that describes the object"},
	{regexp.MustCompile(`\bAMOUNT\b`), "AMOUNT stands for what the container needs"},
	{regexp.MustCompile(`\bUSER\b`), "USER stands for your name, as kubectl auth whoami shows it"},
}

// Do returns the remedy of some commands, with a note on each of their placeholders.
func Do(advice string, commands ...string) *Remedy {
	remedy := &Remedy{Advice: advice, Commands: commands}
	for _, placeholder := range placeholders {
		if slices.ContainsFunc(commands, placeholder.word.MatchString) {
			remedy.Notes = append(remedy.Notes, placeholder.meaning)
		}
	}
	return remedy
}

// Noting adds a note.
func (r *Remedy) Noting(note string) *Remedy {
	r.Notes = append(r.Notes, note)
	return r
}

var harmless = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Quote makes one word for a shell out of any text.
func Quote(text string) string {
	if harmless.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// sentence is the advice, with the punctuation for what follows it.
func (r *Remedy) sentence() string {
	if len(r.Commands) > 0 {
		return r.Advice + ":"
	}
	return r.Advice + "."
}

func (r *Remedy) equal(other *Remedy) bool {
	return r.Advice == other.Advice && slices.Equal(r.Commands, other.Commands)
}

// Mended are the failed gates in the order of their remedies, each remedy once. Gates without one are left out.
func Mended(reports ...*Report) []*Gate {
	var failed []*Gate
	for _, r := range reports {
		for n := range r.Gates {
			g := &r.Gates[n]
			known := func(other *Gate) bool { return other.Remedy.equal(g.Remedy) }
			if g.Result == Failed && g.Remedy != nil && !slices.ContainsFunc(failed, known) {
				failed = append(failed, g)
			}
		}
	}
	slices.SortStableFunc(failed, func(a, b *Gate) int { return a.Remedy.Order - b.Remedy.Order })
	return failed
}
