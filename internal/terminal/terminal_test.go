package terminal_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/terminal"
)

// hostile is text that steers terminals: by control characters of both sets, one of them as a bare byte, by marks that turn the direction
// of what follows, by a character that Unicode has beyond 16 bits, and by lines that look like a program's own.
const hostile = "a\x1b]0;owned\x07\u009b2J\x9b\u202eb\U000E0001\rc\nerror: fake\u2028\td"

func TestPlain(t *testing.T) {
	t.Parallel()
	if got, want := terminal.Plain(hostile), "a�]0;owned��2J��b��c error: fake� d"; got != want {
		t.Errorf("plain: got %q, want %q", got, want)
	}
	if got, want := terminal.Lines(hostile), "a�]0;owned��2J��b��c\nerror: fake�\td"; got != want {
		t.Errorf("lines: got %q, want %q", got, want)
	}
	for text, want := range map[string]bool{"": true, "a 'ü'": true, "a\nb": false, "\x9b": false, "\u202e": false, "\ufffd": true, "\u00ad": false} {
		if got := terminal.Shows(text); got != want {
			t.Errorf("shows %q: got %t, want %t", text, got, want)
		}
	}
}

func TestWriter(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	plain := terminal.Writer(&out)
	if n, err := fmt.Fprint(plain, "ü\x1b[2J\n"); n != len("ü\x1b[2J\n") || err != nil {
		t.Errorf("written %d, %v", n, err)
	}
	if got, want := out.String(), "ü�[2J\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if terminal.Behind(plain) != &out || terminal.Behind(&out) != &out {
		t.Error("what is behind the writer is another one")
	}
}

// TestEscaped: the JSON has nothing left that steers a terminal, and means the same.
func TestEscaped(t *testing.T) {
	t.Parallel()
	object := map[string]string{"text": "a\x1b]0;\x07\u009b\x7f\u202eb\U000E0001\nc\u2028"}
	text, err := json.MarshalIndent(object, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	escaped := terminal.Escaped(text)
	if terminal.Lines(string(escaped)) != string(escaped) {
		t.Errorf("it steers a terminal: %q", escaped)
	}
	var again map[string]string
	if err := json.Unmarshal(escaped, &again); err != nil || again["text"] != object["text"] {
		t.Errorf("it means %q (%v), want %q", again["text"], err, object["text"])
	}
}
