package snapshot_test

import (
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

// TestNamesOfFiles: a name that is more than a name to a shell goes into no command.
func TestNamesOfFiles(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ metadata, want string }{
		"good":      {`{"name":"node-monitor","namespace":"monitoring"}`, ""},
		"generated": {`{"generateName":"node-monitor-"}`, ""},
		"name":      {`{"name":"a; reboot"}`, `metadata.name is "a; reboot"`},
		"namespace": {`{"name":"a","namespace":"$(reboot)"}`, `metadata.namespace is "$(reboot)"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pod := `{"apiVersion":"v1","kind":"Pod","metadata":` + test.metadata + `,"spec":{"containers":[{"name":"app"}]}}`
			workloads, err := manifest.WorkloadsOf([]byte(pod))
			if err != nil {
				t.Fatal(err)
			}
			_, err = snapshot.SubjectFrom(&workloads[0], "default")
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}
