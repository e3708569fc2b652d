package docs_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const modulePath = "github.com/performancecopilot/pcp-injector/"

var arrow = regexp.MustCompile(`(?m)^ {4}(\S+) --> (\S+)$`)

// TestPicture: each arrow in the picture of the packages is an import, and each import has a way of arrows.
func TestPicture(t *testing.T) {
	t.Parallel()
	drawn := map[string][]string{}
	for _, match := range arrow.FindAllStringSubmatch(read(t, filepath.Join(root, "CONTRIBUTING.md")), -1) {
		drawn[match[1]] = append(drawn[match[1]], match[2])
	}
	imports := importsOfPackages(t)
	if len(imports) < 10 {
		t.Fatalf("only %d packages import others of this project, so this test shows nothing", len(imports))
	}
	for from, targets := range drawn {
		for _, to := range targets {
			if !slices.Contains(imports[from], to) {
				t.Errorf("the picture in CONTRIBUTING.md has an arrow from %s to %s, which is not imported there", from, to)
			}
		}
	}
	if t.Failed() {
		return // There may be circles.
	}
	for from, targets := range imports {
		for _, to := range targets {
			if !leads(drawn, from, to) {
				t.Errorf("%s imports %s, to which no arrows of the picture in CONTRIBUTING.md lead", from, to)
			}
		}
	}
}

// importsOfPackages are the imports between this project's packages, without tests and the programs in folders called main.
func importsOfPackages(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", "./cmd/...", "./pkg/...", "./internal/...")
	cmd.Dir = root
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	imports := map[string][]string{}
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var found struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&found); errors.Is(err, io.EOF) {
			return imports
		} else if err != nil {
			t.Fatal(err)
		}
		from := strings.TrimPrefix(found.ImportPath, modulePath)
		for _, path := range found.Imports {
			if to, ours := strings.CutPrefix(path, modulePath); ours && !strings.HasSuffix(from, "/main") {
				imports[from] = append(imports[from], to)
			}
		}
	}
}

// leads reports whether there is a way along the arrows, which have no circles, because imports have none.
func leads(arrows map[string][]string, from, to string) bool {
	return slices.ContainsFunc(arrows[from], func(next string) bool { return next == to || leads(arrows, next, to) })
}
