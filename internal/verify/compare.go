package verify

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// compare lists the differences between the live and the wanted pod in what the injector adds.
func compare(wanted, live json.RawMessage) ([]string, error) {
	wantedParts, err := partsOf(wanted)
	if err != nil {
		return nil, err
	}
	liveParts, err := partsOf(live)
	if err != nil {
		return nil, err
	}
	var differences []string
	for _, path := range slices.Sorted(maps.Keys(wantedParts)) {
		found, present := liveParts[path]
		if !present {
			differences = append(differences, path+": is missing")
			continue
		}
		differences = append(differences, differ(path, wantedParts[path], found)...)
	}
	for _, path := range slices.Sorted(maps.Keys(liveParts)) {
		if _, present := wantedParts[path]; !present {
			differences = append(differences, path+": was added")
		}
	}
	return differences, nil
}

// partsOf are the injector's containers, volumes, annotations, label and fields in the pod, by their paths.
func partsOf(document json.RawMessage) (map[string]any, error) {
	var pod struct {
		Metadata struct {
			Annotations map[string]any `json:"annotations"`
			Labels      map[string]any `json:"labels"`
		} `json:"metadata"`
		Spec map[string]any `json:"spec"`
	}
	if err := manifest.Decode(document, &pod); err != nil {
		return nil, err
	}
	parts := map[string]any{}
	for key, value := range pod.Metadata.Annotations {
		if ours(key) {
			parts["metadata.annotations["+key+"]"] = value
		}
	}
	if value, present := pod.Metadata.Labels[mutate.LabelInjected]; present {
		parts["metadata.labels["+mutate.LabelInjected+"]"] = value
	}
	for _, list := range []string{"containers", "initContainers", "volumes"} {
		items, _ := pod.Spec[list].([]any)
		for _, item := range items {
			if name := nameOf(item); injected(list, name) {
				parts["spec."+list+"["+name+"]"] = item
			}
		}
	}
	for _, name := range []string{"hostNetwork", "dnsPolicy", "hostname"} {
		if value, present := pod.Spec[name]; present {
			parts["spec."+name] = value
		}
	}
	return parts, nil
}

func injected(list, name string) bool {
	if list == "volumes" {
		return strings.HasPrefix(name, mutate.VolumePrefix)
	}
	return name == mutate.ContainerName || name == mutate.InitContainerName
}

func nameOf(item any) string {
	object, _ := item.(map[string]any)
	name, _ := object["name"].(string)
	return name
}

// differ compares values. It ignores the API server's defaults, and what Kubernetes' admission plugins add to every container.
func differ(path string, wanted, live any) []string {
	switch want := wanted.(type) {
	case map[string]any:
		if found, ok := live.(map[string]any); ok {
			return differFields(path, want, found)
		}
	case []any:
		if found, ok := live.([]any); ok {
			return differItems(path, want, withoutToken(found))
		}
	}
	if reflect.DeepEqual(wanted, live) {
		return nil
	}
	return []string{fmt.Sprintf("%s: is %s, should be %s", path, short(live), short(wanted))}
}

func differFields(path string, wanted, live map[string]any) []string {
	var differences []string
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		found, present := live[key]
		if !present {
			if !empty(wanted[key]) {
				differences = append(differences, path+"."+key+": is missing")
			}
			continue
		}
		differences = append(differences, differ(path+"."+key, wanted[key], found)...)
	}
	for _, key := range slices.Sorted(maps.Keys(live)) {
		if _, present := wanted[key]; !present && !isDefault(key, live[key]) {
			differences = append(differences, fmt.Sprintf("%s.%s: was added: %s", path, key, short(live[key])))
		}
	}
	return differences
}

func differItems(path string, wanted, live []any) []string {
	if len(wanted) != len(live) {
		return []string{fmt.Sprintf("%s: has %d items, should have %d", path, len(live), len(wanted))}
	}
	var differences []string
	for n := range wanted {
		differences = append(differences, differ(fmt.Sprintf("%s[%d]", path, n), wanted[n], live[n])...)
	}
	return differences
}

// withoutToken omits the service account's token, which is mounted into all containers.
func withoutToken(items []any) []any {
	return slices.DeleteFunc(slices.Clone(items), func(item any) bool {
		object, _ := item.(map[string]any)
		return object["mountPath"] == "/var/run/secrets/kubernetes.io/serviceaccount" && isTrue(object["readOnly"])
	})
}

func isTrue(value any) bool {
	set, _ := value.(bool)
	return set
}

// defaults of the API server in the fields of a container and a volume, see SetDefaults_* in
// https://github.com/kubernetes/kubernetes/blob/v1.37.2/pkg/apis/core/v1/defaults.go.
var defaults = map[string]any{
	"terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File", "protocol": "TCP", "scheme": "HTTP",
	"apiVersion": "v1", "timeoutSeconds": int64(1), "periodSeconds": int64(10), "successThreshold": int64(1), "failureThreshold": int64(3),
	"defaultMode": int64(0o644), "type": "", "divisor": "0", "volumeMode": "Filesystem",
}

func isDefault(key string, value any) bool {
	return empty(value) || reflect.DeepEqual(defaults[key], value)
}

func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	case bool:
		return !v
	default:
		return false
	}
}

// short is a value in an error.
func short(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	const limit = 100
	if len(text) > limit {
		return strings.ToValidUTF8(string(text[:limit]), "") + "…"
	}
	return string(text)
}
