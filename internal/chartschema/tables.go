package main

import (
	"bytes"
	"fmt"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// kind is a row of config.Kinds as the templates read it.
type kind struct {
	Kind     string `json:"kind"`
	Group    string `json:"group"`
	Resource string `json:"resource"`
	// Spec that holds the pod template, empty for a Pod.
	Spec       string `json:"spec"`
	Scales     bool   `json:"scales"`
	Controller string `json:"controller,omitempty"`
	// Owned is the resource between the workload and its pods.
	Owned string `json:"owned,omitempty"`
}

// annotations are the keys under pcp.io/, by who writes them.
type annotations struct {
	Author   []string `json:"author"`
	Injector []string `json:"injector"`
}

// tables is a file of named templates, each of them a table in YAML. Unlike a file of the chart, it can be read wherever a template can.
func tables() ([]byte, error) {
	var kinds []kind
	for _, k := range config.Kinds {
		row := kind{Kind: string(k.Kind), Group: k.Group, Resource: k.Resource, Spec: k.Spec, Scales: k.Scales, Controller: k.Controller}
		if owned := config.KnownKind(k.Owned); owned != nil {
			row.Owned = owned.Resource
		}
		kinds = append(kinds, row)
	}
	var keys annotations
	for _, a := range mutate.Annotations {
		if a.Written {
			keys.Injector = append(keys.Injector, a.Key)
		} else {
			keys.Author = append(keys.Author, a.Key)
		}
	}
	ports := map[string]int{
		"pmcd": config.PortPMCD, "pmproxy": config.PortPMProxy, "pmproxyTLS": config.PortPMProxyTLS, "pmlogger": config.PortPMLogger,
	}
	names := map[string]any{
		"containers":   mutate.OwnContainers,
		"ports":        []string{mutate.PortNamePMCD, mutate.PortNamePMProxy},
		"volumePrefix": mutate.VolumePrefix,
	}
	var file bytes.Buffer
	file.WriteString("{{/* Generated from pkg/config and pkg/mutate by internal/chartschema: run go generate ./... */}}\n")
	for _, table := range []struct {
		name string
		rows any
	}{
		{"kinds", kinds}, {"annotations", keys}, {"ports", ports}, {"names", names},
	} {
		text, err := yaml.Marshal(table.rows)
		if err != nil {
			return nil, fmt.Errorf("failed to write the table of %s: %w", table.name, err)
		}
		fmt.Fprintf(&file, "\n{{- define \"pcp-injector.%s\" -}}\n%s\n{{- end }}\n", table.name, strings.TrimSpace(string(text)))
	}
	return file.Bytes(), nil
}
