package e2e_test

import (
	"context"
	"fmt"
	"path"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	pcparchive "github.com/performancecopilot/pcp-injector/archive"
	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
	"github.com/performancecopilot/pcp-injector/test/oracle"
)

// copied is where the archives are copied to while pmlogger writes them.
const copied = "/tmp/reader"

// readInGo: what package archive reads of the archive, which was copied while pmlogger wrote it, is what PCP's own tools print of it.
func (m *monitor) readInGo(t *testing.T) {
	t.Helper()
	if m.image != pcpimage.Trixie.Name {
		t.Skip("7.2: of an archive that is being written, the reader gives a rate of disk.dev.total_bytes at a time at which pmval gives none")
	}
	eventually(t, archiveLimit, "the same values by PCP and in Go", func() error {
		if output, err := m.pcp("sh", "-c", "rm -rf "+copied+" && mkdir "+copied+" && cp "+m.archive+".* "+copied+" && ls "+copied); err != nil {
			return fmt.Errorf("%w: %s", err, output)
		}
		files, err := m.copy()
		if err != nil {
			return err
		}
		a, err := pcparchive.Open(files, path.Base(m.archive))
		if err != nil {
			return err
		}
		defer a.Close()
		tools := func(_ context.Context, name string, arguments ...string) (string, error) {
			return m.pcp(append([]string{name}, arguments...)...)
		}
		compared, err := oracle.All(t.Context(), tools, path.Join(copied, path.Base(m.archive)), a, 7*time.Second)
		if err == nil {
			t.Logf("%d values of %s are the same", compared, m.archive)
		}
		return err
	})
}

// copy reads what was copied.
func (m *monitor) copy() (fstest.MapFS, error) {
	names, err := m.pcp("ls", copied)
	if err != nil {
		return nil, err
	}
	files := fstest.MapFS{}
	for name := range strings.FieldsSeq(names) {
		data, err := m.pcp("cat", path.Join(copied, name))
		if err != nil {
			return nil, err
		}
		files[name] = &fstest.MapFile{Data: []byte(data)}
	}
	return files, nil
}
