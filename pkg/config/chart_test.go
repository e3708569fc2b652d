package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestFoldersOfTheChart: the chart pcp has no program to ask, so its template has the same folders and files that nobody may use, no fewer.
func TestFoldersOfTheChart(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "charts", "pcp", "templates", "_validate.tpl"))
	if err != nil {
		t.Fatal(err)
	}
	template := string(text)
	known := func(at string) {
		if !strings.Contains(template, `"`+at+`"`) {
			t.Errorf("charts/pcp/templates/_validate.tpl lacks %s, which this package refuses", at)
		}
	}
	for _, folder := range sharedFolders {
		known(folder)
	}
	for _, taken := range slices.Concat(takenByPCP, takenByOpenMetrics) {
		known(taken.path)
	}
	for folders, begin := range map[string]string{
		strings.Join(systemFolders, "|"):                                       "^/",
		strings.ReplaceAll(strings.Join(clusterFolders, "|"), "/var/lib/", ""): "^/var/lib/",
	} {
		if !regexp.MustCompile(regexp.QuoteMeta(`"`+begin+"("+folders+")") + `\??` + regexp.QuoteMeta(`(/|$)"`)).MatchString(template) {
			t.Errorf("charts/pcp/templates/_validate.tpl does not refuse exactly %s(%s), as this package does", begin, folders)
		}
	}
}
