package mutate

import (
	"bytes"
	"encoding/json"
)

// The fields that the injector adds to or replaces, as JSON pointers (RFC 6901).
const (
	fieldLabels         = "/metadata/labels"
	fieldAnnotations    = "/metadata/annotations"
	fieldContainers     = "/spec/containers"
	fieldInitContainers = "/spec/initContainers"
	fieldVolumes        = "/spec/volumes"
	fieldHostNetwork    = "/spec/hostNetwork"
	fieldDNSPolicy      = "/spec/dnsPolicy"
	fieldHostname       = "/spec/hostname"
)

// Status is the value of the annotation pcp.io/status: what was done to the pod, by whom, or why not. Uninject works
// from it.
type Status struct {
	// Version of the injector.
	Version string `json:"version"`
	// Config is the hash of the configuration.
	Config string `json:"config"`
	// Reason of the decision.
	Reason Reason `json:"reason"`
	// Message says why a pod was left out.
	Message string `json:"message,omitempty"`
	// Warnings say what will work badly, each with its code: the human behind a controller sees them nowhere else.
	Warnings []string `json:"warnings,omitempty"`
	// Added to the pod, by name.
	Added Added `json:"added"`
	// Replaced are the former values of pod-level fields, by JSON pointer.
	Replaced map[string]any `json:"replaced,omitempty"`
}

// Added is what the pod did not have before.
type Added struct {
	Containers     []string `json:"containers,omitempty"`
	InitContainers []string `json:"initContainers,omitempty"`
	Volumes        []string `json:"volumes,omitempty"`
	Annotations    []string `json:"annotations,omitempty"`
	Labels         []string `json:"labels,omitempty"`
	// Fields that were absent, as JSON pointers.
	Fields []string `json:"fields,omitempty"`
}

// String is the JSON of the status.
func (s *Status) String() string {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(s); err != nil {
		// Cannot happen: a status holds strings and booleans.
		return err.Error()
	}
	return string(bytes.TrimRight(text.Bytes(), "\n"))
}

// statusOf reads the pod's status annotation; nil where there is none, or none that the injector wrote.
func statusOf(pod *Pod) *Status {
	text, present := pod.Metadata.Annotations[AnnotationStatus]
	if !present {
		return nil
	}
	var status Status
	if err := json.Unmarshal([]byte(text), &status); err != nil || status.Reason == "" {
		return nil
	}
	return &status
}
