package snapshot_test

import (
	"testing"

	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

func TestSize(t *testing.T) {
	t.Parallel()
	for bytes, want := range map[int64]string{
		0: "0", 1023: "1023", 1024: "1.0Ki", 12 << 20: "12Mi", 300 << 30: "300Gi", 1023 << 30: "1023Gi", 5 << 60: "5120Pi",
	} {
		if got := snapshot.Size(bytes); got != want {
			t.Errorf("%d is %s, want %s", bytes, got, want)
		}
	}
}
