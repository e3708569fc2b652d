// Package verify compares the live pods with PCP with what they should be. An injection is deterministic, so what the injector added to a
// pod can be derived again from its template and the configuration.
package verify

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// State of a live pod.
type State string

// The states.
const (
	Current  State = "as it should be"
	Tampered State = "tampered with"
	// Stale: made by a configuration that is no longer in force.
	Stale State = "stale"
	// Older: made by another release of the injector, and different from what this one makes.
	Older State = "by another release"
	// Upgraded: another image than the configuration's runs in PCP's container, and nothing else differs.
	Upgraded State = "upgraded"
)

// Pod compares one live pod. Version is that of this program, which derives the wanted one.
func Pod(live *snapshot.LivePod, cfg *config.InjectorConfig, version string) (State, string, error) {
	status := snapshot.StatusIn(live.Pod.GetAnnotations())
	if status == nil {
		return Tampered, "it has a container pcp, but no annotation " + mutate.AnnotationStatus + " that an injector wrote", nil
	}
	injector, err := mutate.New(cfg, status.Version)
	if err != nil {
		return "", "", err
	}
	if status.Config != injector.ConfigHash() {
		return Stale, fmt.Sprintf("made by configuration %s, but the current one is %s", status.Config, injector.ConfigHash()), nil
	}
	differences, err := derive(live, injector, cfg)
	switch {
	case err != nil:
		return "", "", err
	case len(differences) == 0:
		return Current, "made by " + status.Version, nil
	case len(differences) == 1 && imageOfPCP.MatchString(differences[0]):
		return Upgraded, imageOfPCP.ReplaceAllString(differences[0], "runs image $1, as after kubectl pcp upgrade; the configuration says $2"), nil
	case version != status.Version:
		return Older, fmt.Sprintf("made by %s, and %s would make it differently: %s", status.Version, version, strings.Join(differences, "; ")), nil
	}
	return Tampered, strings.Join(differences, "; "), nil
}

// imageOfPCP matches the difference that an upgrade makes, also in a native sidecar.
var imageOfPCP = regexp.MustCompile(`^spec\.(?:containers|initContainers)\[pcp\]\.image: is "?(.*?)"?, should be "?(.*?)"?$`)

// derive makes the pod anew, and lists the differences to the live one.
func derive(live *snapshot.LivePod, injector *mutate.Injector, cfg *config.InjectorConfig) ([]string, error) {
	document, view, err := viewOf(live)
	if err != nil {
		return nil, err
	}
	bare, problem := withoutPCP(document, view)
	if problem != "" {
		return []string{problem}, nil
	}
	if live.Template != nil {
		if bare, err = withAnnotationsOf(bare, live.Template); err != nil {
			return nil, err
		}
	}
	var original mutate.Pod
	if err := manifest.Decode(bare, &original); err != nil {
		return nil, err
	}
	decision := injector.Decide(requestFor(live, &original, cfg))
	if decision.Reason != mutate.ReasonInjected {
		return []string{fmt.Sprintf("%s: it would have no PCP: %s", decision.Reason, decision.Explanation())}, nil
	}
	wanted, err := manifest.ApplyJSON(bare, decision.Patch)
	if err != nil {
		return nil, err
	}
	return compare(wanted, document)
}

// requestFor is the request that creates the pod, by whom the injector trusts.
func requestFor(live *snapshot.LivePod, pod *mutate.Pod, cfg *config.InjectorConfig) mutate.Request {
	request := mutate.Request{Namespace: live.Pod.GetNamespace(), Pod: pod}
	if len(cfg.Target.TrustedCreators) > 0 {
		request.Username = cfg.Target.TrustedCreators[0]
	}
	return request
}

// viewOf is the pod as JSON, and as the injector sees it.
func viewOf(live *snapshot.LivePod) (document json.RawMessage, view *mutate.Pod, err error) {
	if document, err = json.Marshal(live.Pod); err != nil {
		return nil, nil, fmt.Errorf("failed to encode the pod: %w", err)
	}
	view = &mutate.Pod{}
	return document, view, manifest.Decode(document, view)
}

// withoutPCP removes what the status says was added. A status that does not describe the pod is itself a difference.
func withoutPCP(document json.RawMessage, view *mutate.Pod) (bare json.RawMessage, problem string) {
	removal, err := mutate.Uninject(view)
	if err == nil {
		bare, err = manifest.ApplyJSON(document, removal)
	}
	if err != nil {
		return nil, "metadata.annotations[" + mutate.AnnotationStatus + "]: does not describe the pod: " + err.Error()
	}
	return bare, ""
}

// withAnnotationsOf gives the pod those annotations of the template that the injector reads, because those of the live pod may have been
// edited.
func withAnnotationsOf(pod json.RawMessage, template *mutate.Pod) (json.RawMessage, error) {
	var object map[string]any
	if err := manifest.Decode(pod, &object); err != nil {
		return nil, err
	}
	metadata, _ := object["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	kept := map[string]any{}
	for key, value := range annotations {
		if !ours(key) {
			kept[key] = value
		}
	}
	injected := addedTo(template)
	for key, value := range template.Metadata.Annotations {
		if ours(key) && !slices.Contains(injected, key) {
			kept[key] = value
		}
	}
	if metadata != nil && len(kept) > 0 {
		metadata = maps.Clone(metadata)
		metadata["annotations"] = kept
		object["metadata"] = metadata
	}
	return json.Marshal(object) //nolint:wrapcheck // cannot fail: it was decoded from JSON
}

// addedTo are the annotations that the injector has added to a template whose manifest has PCP.
func addedTo(template *mutate.Pod) []string {
	if status := snapshot.StatusIn(template.Metadata.Annotations); status != nil && status.Reason == mutate.ReasonInjected {
		return status.Added.Annotations
	}
	return nil
}

func ours(annotation string) bool {
	return strings.HasPrefix(annotation, "pcp.io/") || strings.HasPrefix(annotation, mutate.OpenMetricsPrefix)
}
