package e2e_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/performancecopilot/pcp-injector/test/e2e/pcpimage"
)

// Requests to pmproxy that write: a metric, and archives; the latter says whether they would be taken.
const (
	store  = "/pmapi/store?name=pmcd.control.timeout&value=5"
	logger = "/logger/ping"
)

// writes is what docs/security.md says of writing through pmproxy: one of the two is allowed, and refused, by each version.
func (m *monitor) writes(t *testing.T) {
	t.Helper()
	allowed, refused := store, logger
	switch m.image {
	case pcpimage.Trixie.Name:
	case pcpimage.Sid.Name:
		allowed, refused = refused, allowed
	default:
		t.Skip("nothing is known of this version")
	}
	eventually(t, startLimit, allowed, func() error {
		output, err := m.fetch(m.pod, allowed)
		if err == nil && !strings.Contains(output, `"success":true`) {
			err = fmt.Errorf("got %s", output)
		}
		return err
	})
	if output, err := m.fetch(m.pod, refused); err == nil || !strings.Contains(err.Error(), "HTTP Error 400") {
		t.Errorf("%s answers %s (error: %v)", refused, output, err)
	}
}
