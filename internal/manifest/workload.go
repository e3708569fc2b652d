package manifest

import (
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

// Workload is an object with a pod template, or a pod.
type Workload struct {
	Kind      string
	Name      string
	Namespace string
	// Known is false for kinds that are not built into Kubernetes.
	Known bool
	// Annotations of the workload itself, not of its template.
	Annotations map[string]any
	// Object is the whole object as JSON.
	Object json.RawMessage
	// Template is the pod or pod template as JSON; nil if the workload has none.
	Template json.RawMessage
	// Pointer leads to the template in its document (RFC 6901). Field is the same for people. Both are empty for a pod.
	Pointer string
	Field   string
	// Rollout of the workload, as far as it has one.
	Rollout
}

// String is the name by which kubectl calls it, e.g. deployment/node-monitor.
func (w *Workload) String() string {
	return strings.ToLower(w.Kind) + "/" + w.Name
}

// templatePath leads to the pod template of a built-in kind.
func templatePath(group, kind string) (path []string, known bool) {
	if group == "" && kind == "PodTemplate" {
		return []string{"template"}, true
	}
	workload := config.KnownKind(config.TargetKind(kind))
	if workload == nil || workload.Group != group {
		return nil, false
	}
	return workload.TemplatePath(), true
}

// header is what is read of an object.
type header struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Metadata   struct {
		Name         string         `json:"name"`
		GenerateName string         `json:"generateName"`
		Namespace    string         `json:"namespace"`
		Annotations  map[string]any `json:"annotations"`
	} `json:"metadata"`
	Items json.RawMessage `json:"items"`
}

// Workloads finds the pods and pod templates of the document, also in lists.
func (d *Document) Workloads() ([]Workload, error) {
	if d.Empty() {
		return nil, nil
	}
	found, err := find(d.data, header{}, nil)
	if err == nil && len(found) > 0 {
		return found, d.checkKeys()
	}
	if err != nil {
		return nil, d.at(err)
	}
	return nil, nil
}

// WorkloadsOf finds the pods and pod templates of one object, also in a list.
func WorkloadsOf(object json.RawMessage) ([]Workload, error) {
	return find(object, header{}, nil)
}

// find searches an object at a path of the document. An item of a typed list may omit its kind.
func find(data []byte, fallback header, path []string) ([]Workload, error) {
	object := fallback
	// After a type error, what was read is still enough to distinguish a workload from a file that only looks like an object.
	err := Decode(data, &object)
	if err == nil && strings.HasSuffix(object.Kind, "List") && object.Items != nil {
		return findItems(&object, path)
	}
	steps, known := templatePath(object.group(), object.Kind)
	if !known {
		steps = []string{"spec", "template"}
	}
	if err != nil && known {
		return nil, within(path, err)
	}
	workload, err := newWorkload(data, &object, path, steps)
	if readable := err == nil && hasContainers(workload.Template); !known && !readable {
		return nil, nil // other kinds may keep anything there
	}
	if err != nil {
		return nil, err
	}
	workload.Known = known
	return []Workload{*workload}, nil
}

// group of the object's API, empty for the core group.
func (h *header) group() string {
	group, _, grouped := strings.Cut(h.APIVersion, "/")
	if !grouped {
		return ""
	}
	return group
}

func findItems(object *header, path []string) ([]Workload, error) {
	var items []json.RawMessage
	if err := Decode(object.Items, &items); err != nil {
		return nil, within(append(path, "items"), err)
	}
	item := header{Kind: strings.TrimSuffix(object.Kind, "List"), APIVersion: object.APIVersion}
	var found []Workload
	for n, data := range items {
		workloads, err := find(data, item, append(slices.Clone(path), "items", strconv.Itoa(n)))
		if err != nil {
			return nil, err
		}
		found = append(found, workloads...)
	}
	return found, nil
}

func newWorkload(data []byte, object *header, path, steps []string) (*Workload, error) {
	full := append(slices.Clone(path), steps...)
	template, err := descend(data, steps)
	if err != nil {
		return nil, within(path, err)
	}
	w := &Workload{
		Kind:        object.Kind,
		Name:        object.Metadata.Name,
		Namespace:   object.Metadata.Namespace,
		Annotations: object.Metadata.Annotations,
		Object:      data,
		Template:    template,
		Pointer:     pointer(full),
		Field:       field(full),
	}
	if w.Name == "" {
		w.Name = object.Metadata.GenerateName
	}
	w.Rollout = rollout(data)
	return w, nil
}

// descend follows a path of keys; nil if it ends early.
func descend(data json.RawMessage, steps []string) (json.RawMessage, error) {
	for n, step := range steps {
		var object map[string]json.RawMessage
		if err := Decode(data, &object); err != nil {
			return nil, within(steps[:n], err)
		}
		data = object[step]
		if data == nil || string(data) == "null" {
			return nil, nil
		}
	}
	if len(steps) > 0 && data[0] != '{' {
		return nil, &FieldError{field(steps), "found " + nameOf(data[0]) + " instead of the pod template"}
	}
	return data, nil
}

// Rollout decides how many pods run side by side.
type Rollout struct {
	Replicas *int64
	// Strategy is the type of the strategy or updateStrategy.
	Strategy          string
	Parallelism       *int64
	ConcurrencyPolicy string
}

// rollout reads it. The API server will refuse odd types.
func rollout(data []byte) Rollout {
	type spec struct {
		Replicas          *int64 `json:"replicas"`
		Parallelism       *int64 `json:"parallelism"`
		ConcurrencyPolicy string `json:"concurrencyPolicy"`
		Strategy          struct {
			Type string `json:"type"`
		} `json:"strategy"`
		UpdateStrategy struct {
			Type string `json:"type"`
		} `json:"updateStrategy"`
	}
	var object struct {
		Spec struct {
			spec
			JobTemplate struct {
				Spec spec `json:"spec"`
			} `json:"jobTemplate"`
		} `json:"spec"`
	}
	if Decode(data, &object) != nil {
		return Rollout{}
	}
	found := object.Spec
	return Rollout{
		Replicas:          found.Replicas,
		Strategy:          found.Strategy.Type + found.UpdateStrategy.Type,
		Parallelism:       cmp.Or(found.Parallelism, found.JobTemplate.Spec.Parallelism),
		ConcurrencyPolicy: found.ConcurrencyPolicy,
	}
}

func hasContainers(template json.RawMessage) bool {
	var pod struct {
		Spec struct {
			Containers []any `json:"containers"`
		} `json:"spec"`
	}
	return template != nil && Decode(template, &pod) == nil && len(pod.Spec.Containers) > 0
}
