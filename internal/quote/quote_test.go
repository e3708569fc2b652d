package quote_test

import (
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/quote"
)

func TestAppend(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                `=""`,
		`a "b" \ <&>`:     `="a \"b\" \\ <&>"`,
		"line\n\x01tab\t": `="line\n\u0001tab\t"`,
		"not\xffUTF-8":    "=\"not\uFFFDUTF-8\"",
	} {
		if got := string(quote.Append([]byte("="), text)); got != want {
			t.Errorf("%q: got %s, want %s", text, got, want)
		}
	}
}
