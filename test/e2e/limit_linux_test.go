package e2e_test

import (
	"errors"
	"fmt"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const (
	// fillLimit is how long pmlogger may take to fill a small volume on a busy machine.
	fillLimit = 20 * time.Minute
	// fillGroup makes pmlogger write as fast as it can. Some of its metrics are derived: pmlogger 6.3 writes these values to its log too.
	fillGroup = "#pmlogconf-setup 2.0\nident\tFill\nforce\tinclude\ndelta\t50 milliseconds\n\tproc.memory\n\tproc.schedstat\n\tkernel.all\n\tnetwork.interface\n\tmem.util\n"
)

// TestArchivesLimit: whatever the load, pmlogger goes on writing to a volume that is small: the oldest archives go first, and what is left can
// be read across the gaps.
func TestArchivesLimit(t *testing.T) {
	t.Parallel()
	requireNode(t)
	eachPCP(t, func(s *scene) {
		m := &monitor{scene: s, host: "node-monitor"}
		if s.image == here.pcp[0].Name {
			m.installInjector("persistence: {pmlogger: {size: 16Mi, interval: 1}}")
		} else { // Nobody states a size: the limit comes from the file system.
			m.claim("archives", "16Mi")
			m.installInjector("persistence: {pmlogger: {claimName: archives, interval: 1}, pmproxy: {type: EmptyDir}}")
		}
		m.pod = m.deploy(nodeMonitor(nil))
		m.neverFull(s.t)
	})
}

// claim makes a claim that the chart does not know the size of.
func (s *scene) claim(name, size string) {
	s.t.Helper()
	claim := &corev1.PersistentVolumeClaim{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: corev1.PersistentVolumeClaimSpec{
			AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
			Resources:   corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse(size)}},
		},
	}
	if _, err := s.client.CoreV1().PersistentVolumeClaims(s.namespace).Create(s.t.Context(), claim, metav1.CreateOptions{}); err != nil {
		s.t.Fatal(err)
	}
}

func (m *monitor) neverFull(t *testing.T) {
	t.Helper()
	eventually(t, archiveLimit, "an archive", func() error { _, err := m.archives(); return err })
	m.forgets(t)
	const fill = `mkdir -p /var/lib/pcp/config/pmlogconf/fill && printf %s "$1" >/var/lib/pcp/config/pmlogconf/fill/all && systemctl --no-block restart pmlogger`
	if _, err := m.pcp("sh", "-c", fill, "sh", fillGroup); err != nil {
		t.Fatal(err)
	}
	first, err := m.archives()
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	eventually(t, fillLimit, "the removal of archives that were not the first", func() error {
		used, err := m.used()
		if err != nil {
			return err
		}
		most = max(most, used)
		removed, err := m.pcp("sh", "-c", "journalctl --sync; journalctl --unit pcp-archives --unit pmlogger --output cat | grep -c 'removed.*\\.meta'")
		if count, _ := strconv.Atoi(strings.TrimSpace(removed)); count < len(first)+3 {
			return fmt.Errorf("%d archives were removed (error: %w), %d %% are used", count, err, used)
		}
		return nil
	})
	if most > 95 {
		t.Errorf("the volume was filled to %d %%", most)
	}
	m.goesOn(t)
	m.readsAcross(t)
}

// forgets: an archive that is older than persistence.pmlogger.retention goes, and a younger one stays. Here there is room for both.
func (m *monitor) forgets(t *testing.T) {
	t.Helper()
	folder := path.Join(archiveFolder, "another-host")
	const plant = `mkdir -p "$1" && cd "$1" && for part in meta index 0; do
		touch -d '15 days ago' "20260101.00.10.$part.xz"; touch -d '13 days ago' "20260102.00.10.$part.xz"; done; chown -R pcp:pcp .`
	if _, err := m.pcp("sh", "-c", plant, "sh", folder); err != nil {
		t.Fatal(err)
	}
	eventually(t, startLimit, "the removal of what is too old", func() error {
		output, err := m.pcp("ls", folder)
		if want := "20260102.00.10.0.xz\n20260102.00.10.index.xz\n20260102.00.10.meta.xz\n"; err == nil && output != want {
			err = errors.New(output)
		}
		return err
	})
	if _, err := m.pcp("rm", "-r", folder); err != nil {
		t.Fatal(err)
	}
}

// used is how full the volume is, in percent.
func (m *monitor) used() (int, error) {
	output, err := m.pcp("df", "--output=pcent", archiveFolder)
	if err != nil {
		return 0, err
	}
	_, percent, _ := strings.Cut(output, "\n")
	return strconv.Atoi(strings.Trim(percent, " %\n"))
}

// goesOn: pmlogger writes further samples, and has never found its volume full.
func (m *monitor) goesOn(t *testing.T) {
	t.Helper()
	size := func() (string, error) {
		return m.pcp("du", "--bytes", "--summarize", "--", path.Join(archiveFolder, m.host))
	}
	before, err := size()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, startLimit, "a further sample", func() error {
		if after, err := size(); err != nil || after == before {
			return fmt.Errorf("the archives have %s: %w", after, err)
		}
		output, err := m.pcp("sh", "-c", "systemctl is-active pmlogger && systemctl is-active pcp-archives && ! journalctl --unit pmlogger | grep 'No space left'")
		if want := strings.Repeat("active\n", 2); err == nil && output != want {
			err = errors.New(output)
		}
		return err
	})
}

// readsAcross: the archives that are left are one history.
func (m *monitor) readsAcross(t *testing.T) {
	t.Helper()
	archives, err := m.archives()
	if err != nil || len(archives) < 3 {
		t.Fatalf("the archives are %v (error: %v)", archives, err)
	}
	eventually(t, metricLimit, "a history across archives", func() error {
		output, err := m.pcp("sh", "-c", `exec pmrep --archive "$1" --output csv --interval 1s kernel.all.load 2>&1`, "sh", path.Join(archiveFolder, m.host))
		if rows := strings.Count(output, "\n"); err == nil && (rows < 30 || strings.Contains(output, "skipping")) {
			err = fmt.Errorf("%d rows: %.500s", rows, output)
		}
		return err
	})
}
