package snapshot_test

import (
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// TestNamesOfFiles: no command contains a name that is more than a name to a shell.
func TestNamesOfFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ metadata, container, want string }{
		"good":         {`{"name":"node-monitor","namespace":"monitoring"}`, "app", ""},
		"generated":    {`{"generateName":"node-monitor-"}`, "app", ""},
		"name":         {`{"name":"a; reboot"}`, "app", `metadata.name is "a; reboot"`},
		"namespace":    {`{"name":"a","namespace":"$(reboot)"}`, "app", `metadata.namespace is "$(reboot)"`},
		"container":    {`{"name":"a"}`, "`reboot`", "the name of container 1 is \"`reboot`\""},
		"no container": {`{"name":"a"}`, "", `the name of container 1 is ""`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := `{"apiVersion":"v1","kind":"Pod","metadata":` + test.metadata + `,"spec":{"containers":[{"name":"` + test.container + `"}]}}`
			workloads, err := manifest.WorkloadsOf([]byte(pod))
			if err != nil {
				t.Fatal(err)
			}
			_, err = snapshot.SubjectFrom(&workloads[0], "pod.yaml", "default")
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}
