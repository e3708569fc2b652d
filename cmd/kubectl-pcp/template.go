package main

import (
	"encoding/json"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// annotation of a pod template, of any type: authors forget the quotes around "true".
func annotation(template json.RawMessage, key string) (value any, present bool) {
	value, present = annotationsOf(template)[key]
	return value, present
}

func annotationsOf(template json.RawMessage) map[string]any {
	var pod struct {
		Metadata struct {
			Annotations map[string]any `json:"annotations"`
		} `json:"metadata"`
	}
	if template == nil || manifest.Decode(template, &pod) != nil {
		return nil
	}
	return pod.Metadata.Annotations
}

// decodePod reads a pod template as the API server does: keys are case-sensitive.
func decodePod(template json.RawMessage) (*mutate.Pod, error) {
	var pod mutate.Pod
	if err := manifest.Decode(template, &pod); err != nil {
		return nil, err
	}
	return &pod, nil
}
