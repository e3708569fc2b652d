package remedy_test

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/remedy"
)

// pasteable is a folder with programs that write down their words instead of doing anything, and one in which to run commands.
type pasteable struct {
	t               *testing.T
	programs, there string
}

func newPasteable(t *testing.T) *pasteable {
	t.Helper()
	p := &pasteable{t, t.TempDir(), t.TempDir()}
	script := "#!/bin/sh\nprintf '%s\\0' \"$(basename \"$0\")\" \"$@\" >>" + filepath.Join(p.programs, "said") + "\n"
	for _, name := range []string{"kubectl", "helm"} {
		if err := os.WriteFile(filepath.Join(p.programs, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// words pastes a command into a shell, and returns the words of the program that it runs. It fails if the command does anything else.
func (p *pasteable) words(command string) []string {
	p.t.Helper()
	said := filepath.Join(p.programs, "said")
	_ = os.Remove(said)
	cmd := exec.CommandContext(p.t.Context(), "sh", "-c", command)
	cmd.Dir = p.there
	cmd.Env = []string{"PATH=" + p.programs + ":/usr/bin:/bin", "HOME=" + p.there}
	if output, err := cmd.CombinedOutput(); err != nil || len(output) > 0 {
		p.t.Fatalf("%s: %v\n%s", command, err, output)
	}
	if files, err := os.ReadDir(p.there); err != nil || len(files) > 0 {
		p.t.Fatalf("%s has made the files %v (%v)", command, files, err)
	}
	text, err := os.ReadFile(said)
	if err != nil {
		p.t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// allSlots are the slots that commands have, each with a value that fits.
var allSlots = map[*remedy.Slot]string{
	remedy.InNamespace: "monitoring", remedy.TargetIn: "monitoring", remedy.TargetName: "node-monitor", remedy.Name: "pcp-injector.pcp-system",
	remedy.Names: "a.b", remedy.Object: "NodeMonitor/node-monitor", remedy.Kind: "NodeMonitor", remedy.Pods: "node-monitor-0", remedy.Container: "app",
	remedy.Secret: "pcp-injector-tls", remedy.ReleaseName: "pcp-injector", remedy.Chart: "oci://a/b", remedy.Revision: "3", remedy.Working: "2",
	remedy.Manifest: "a.yaml", remedy.File: "a b.yaml", remedy.Amount: "1Gi", remedy.Key: "limits.cpu", remedy.User: "system:serviceaccount:a:b",
	remedy.Role: "pcp-check", remedy.Verbs: "get,list", remedy.Resource: "endpointslices.discovery.k8s.io", remedy.Selector: "app in (a,b)",
	remedy.Patch: `{"a":"it's"}`, remedy.Prose: "prose",
}

func fitting() map[*remedy.Slot]string {
	return maps.Clone(allSlots)
}

func list(values map[*remedy.Slot]string) []remedy.Value {
	var all []remedy.Value
	for slot, text := range values {
		all = append(all, slot.Is(text))
	}
	return all
}

// TestFitting: with values as they should be, each command runs one program with the words of its template, and nothing is left open.
func TestFitting(t *testing.T) {
	t.Parallel()
	p := newPasteable(t)
	names := map[string]bool{}
	for _, template := range remedy.All() {
		text := template.With(list(fitting())...).Text()
		if text.Name == "" || names[text.Name] {
			t.Errorf("the name %q is missing, or not the only one", text.Name)
		}
		names[text.Name] = true
		if strings.Contains(text.Advice+strings.Join(text.Notes, ""), "<") || template.Runs() != (len(text.Commands) > 0) {
			t.Errorf("%s: a slot is left open, or a command is missing: %+v", text.Name, text)
		}
		for _, command := range text.Commands {
			words := p.words(command)
			if !slices.Contains([]string{"kubectl", "helm"}, words[0]) || slices.ContainsFunc(words, func(word string) bool { return strings.Contains(word, "<") }) {
				t.Errorf("%s: %s runs %q", text.Name, command, words)
			}
		}
	}
}

// hostile are values for whoever pastes a command.
var hostile = []string{
	"x;touch ${HOME}/pwned;#", "$(touch pwned)", "`touch pwned`", "x\ntouch pwned", "x'; touch pwned; '", `x"; touch pwned; "`, "x && touch pwned", "x | touch pwned",
	"x > pwned", "-x", "--kubeconfig=/tmp/x", "=touch", "~/x", "*", "a/b/c", "x\x1b]0;owned\x07", "x\u009b2J", "x\u202ey", "x\x9b", "", "x,config.container.image=evil", `{"a":`, `\`, "!!",
}

// TestHostile: whatever a value is, no command does anything but run its program, and the words before and after the value stay.
func TestHostile(t *testing.T) {
	t.Parallel()
	p := newPasteable(t)
	refused, shown := 0, 0
	for _, template := range remedy.All() {
		for slot := range allSlots {
			if !uses(template, slot) {
				continue
			}
			for _, text := range hostile {
				values := fitting()
				values[slot] = text
				got := template.With(list(values)...).Text()
				if len(got.Commands) == 0 {
					refused++
					if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "No command is shown, because ") {
						t.Errorf("%s with %q has no command, and does not say why: %+v", got.Name, text, got)
					}
					continue
				}
				shown++
				requireSameWords(t, p, template, got.Commands)
			}
		}
	}
	if refused < 1000 || shown < 100 {
		t.Errorf("%d values were refused, and %d shown: too few to show anything", refused, shown)
	}
}

// uses reports whether a command of the template has the slot.
func uses(template *remedy.Template, slot *remedy.Slot) bool {
	values := fitting()
	delete(values, slot)
	return slices.ContainsFunc(template.With(list(values)...).Text().Notes, stands.MatchString)
}

var stands = regexp.MustCompile(`^[A-Z_]+ stands for `)

// requireSameWords compares the words that the programs get, but for the value, with those for a value that fits.
func requireSameWords(t *testing.T, p *pasteable, template *remedy.Template, commands []string) {
	t.Helper()
	for n, command := range template.With(list(fitting())...).Text().Commands {
		if want, got := p.words(command), p.words(commands[n]); len(got) != len(want) || got[0] != want[0] {
			t.Errorf("%s: %s runs %q, want the words of %q", template.Name(), commands[n], got, want)
		}
	}
}

// TestUnknown: what only the user knows is a word in capital letters, with a note.
func TestUnknown(t *testing.T) {
	t.Parallel()
	got := remedy.Restore.With(remedy.ReleaseName.Is("")).Text()
	if want := "helm rollback RELEASE REVISION --namespace NAMESPACE"; got.Commands[1] != want {
		t.Errorf("got %q, want %q", got.Commands[1], want)
	}
	if len(got.Notes) != 3 || !strings.HasPrefix(got.Notes[0], "RELEASE stands for ") || !strings.HasPrefix(got.Notes[2], "REVISION stands for ") {
		t.Errorf("got the notes %q", got.Notes)
	}
}

// TestCommand: a command that is part of a sentence goes without a value that it cannot show.
func TestCommand(t *testing.T) {
	t.Parallel()
	for object, want := range map[string]string{
		"deployment/a": "kubectl pcp explain deployment/a --namespace monitoring", "deployment/$(reboot)": "kubectl pcp explain",
	} {
		if got := remedy.Explain.With(remedy.Object.Is(object), remedy.InNamespace.Is("monitoring")).Command(); got != want {
			t.Errorf("%s: got %q, want %q", object, got, want)
		}
	}
}

// TestSeveral: several values are several words, and each is checked.
func TestSeveral(t *testing.T) {
	t.Parallel()
	in := remedy.InNamespace.Is("monitoring")
	got := remedy.DeletePods.With(in, remedy.Pods.Is("a", "b")).Text()
	if want := "kubectl --namespace monitoring delete pod a b"; got.Commands[0] != want {
		t.Errorf("got %q, want %q", got.Commands[0], want)
	}
	if got := remedy.DeletePods.With(in, remedy.Pods.Is("a", "$(reboot)")).Text(); len(got.Commands) > 0 {
		t.Errorf("got %q", got.Commands)
	}
}

// TestWithoutCommands: a sentence that leads to commands is another one if none can be shown.
func TestWithoutCommands(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]string{"alice": "Ask your administrator to run:", "al\x1bice": "Ask your administrator to grant it."} {
		if got := remedy.GrantExplain.With(remedy.User.Is(user)).Sentence(); got != want {
			t.Errorf("%q: got %q, want %q", user, got, want)
		}
	}
}
