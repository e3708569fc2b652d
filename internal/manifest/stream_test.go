package manifest

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"nothing":               {"", []string{""}},
		"one":                   {"a: b\n", []string{"a: b\n"}},
		"markers":               {"---\na: b\n--- # c\nd: e\n---", []string{"---\na: b\n", "--- # c\nd: e\n", "---"}},
		"no markers":            {"a: b\n ---\n----\n---x\n", []string{"a: b\n ---\n----\n---x\n"}},
		"ends":                  {"a: b\n...\n# c\n---\nd: e\n...\n...\n", []string{"a: b\n", "# c\n", "---\nd: e\n", ""}},
		"directives":            {"# c\n%YAML 1.1\n---\na: b\n", []string{"# c\n%YAML 1.1\n---\na: b\n"}},
		"comments":              {"# c\n---\na: b\n", []string{"# c\n", "---\na: b\n"}},
		"windows":               {"---\r\na: b\r\n---\r\n", []string{"---\r\na: b\r\n", "---\r\n"}},
		"JSON":                  {" {\"a\": 1}{}\n\n{\"b\":\n2} \n", []string{" {\"a\": 1}", "{}", "\n\n{\"b\":\n2} \n"}},
		"flow style is no JSON": {"{a: b}\n", []string{"{a: b}\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, document := range split("x", []byte(c.text)) {
				got = append(got, string(document.text))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("documents (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	documents, err := Parse("x", []byte("# c\n---\na: b\n...\n---\n{\"c\":\n1}\n---\n{}\n\n{}\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, document := range documents {
		got = append(got, document.Line)
	}
	if diff := cmp.Diff([]int{1, 2, 5, 8, 11}, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

// FuzzParse: joined, the documents of a file are the file.
func FuzzParse(f *testing.F) {
	for _, text := range []string{
		"", "\ufeffa: b", "a: b\n---\n# c\n...\nd: e\n", "{} {}\n[1]", "%YAML 1.1\n---\r\nx", "apiVersion: v1\nkind: List\nitems: [{kind: Pod, apiVersion: v1}]\n",
		"kind: PodList\nitems:\n- spec: {}\n- 1\n", "kind: Job\napiVersion: batch/v1\nspec: {template: {spec: {containers: [{}]}}}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		documents, err := Parse("x", text)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "x:") {
				t.Errorf("the error names no place: %v", err)
			}
			return
		}
		for _, document := range documents {
			_, _ = document.Workloads()
		}
		got, err := Write(documents, AsRead)
		if err != nil || !bytes.Equal(got, text) {
			t.Errorf("got %q for %q: %v", got, text, err)
		}
	})
}
