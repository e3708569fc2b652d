package cluster

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

const auditPolicyFile = "audit-policy.yaml"

// auditPolicy records who did what, and the annotations that admission adds, but no objects. It omits reads by the plane's own components,
// because they are the bulk of all requests.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: None
  users: [system:apiserver, system:kube-controller-manager, system:kube-scheduler, kwok]
  verbs: [get, list, watch]
- level: None
  resources: [{group: coordination.k8s.io, resources: [leases]}]
- level: Metadata
`

// AuditEvent is what tests need of an event in the audit log; see
// https://kubernetes.io/docs/reference/config-api/apiserver-audit.v1/#audit-k8s-io-v1-Event
type AuditEvent struct {
	AuditID string `json:"auditID"`
	Stage   string `json:"stage"`
	Verb    string `json:"verb"`
	User    struct {
		Username string   `json:"username"`
		Groups   []string `json:"groups"`
	} `json:"user"`
	UserAgent string `json:"userAgent"`
	ObjectRef struct {
		Resource    string `json:"resource"`
		Subresource string `json:"subresource"`
		Namespace   string `json:"namespace"`
		Name        string `json:"name"`
	} `json:"objectRef"`
	ResponseStatus struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	} `json:"responseStatus"`
	// Annotations include those of admission webhooks, as <webhook name>/<key>.
	Annotations map[string]string `json:"annotations"`
}

// AuditLog is the path of the API server's audit log: one JSON event a line, at the Metadata level.
func (c *Cluster) AuditLog() string { return filepath.Join(c.folder, "audit.log") }

// AuditEvents returns the matching events of the audit log, the oldest first. An event may be written a moment after the client has its
// response: wait for it with Eventually.
func (c *Cluster) AuditEvents(match func(AuditEvent) bool) ([]AuditEvent, error) {
	file, err := os.Open(c.AuditLog())
	if err != nil {
		return nil, fmt.Errorf("failed to read the audit log: %w", err)
	}
	defer file.Close()
	var events []AuditEvent
	for reader := bufio.NewReader(file); ; {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			// The end, or a last line that is still being written.
			return events, nil
		}
		var event AuditEvent
		if err := json.Unmarshal(line, &event); err != nil {
			return nil, fmt.Errorf("failed to read the audit log: %w in %q", err, line)
		}
		if match(event) {
			events = append(events, event)
		}
	}
}
