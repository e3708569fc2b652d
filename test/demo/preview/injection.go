package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	operations "gomodules.xyz/jsonpatch/v2"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/config"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
	"github.com/performancecopilot/pcp-injector/test/demo/report"
)

// show injects PCP into the example, marks what is added, and says why. It does what kubectl-pcp does, which a test compares. The plugin
// itself has more dependencies than can be compiled in a minute.
func (p *preview) show() error {
	configFile, file := filepath.Join(p.examples, "injector.yaml"), filepath.Join(p.examples, "node-monitor.yaml")
	fmt.Fprintf(p.out, "==> Without a cluster, with: bin/kubectl-pcp inject --config %s -f %s\n    + marks what it adds.\n\n", configFile, file)
	cfg, err := config.Load(configFile)
	if err != nil {
		return err
	}
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	injector, err := mutate.New(cfg, version)
	if err != nil {
		return err
	}
	after, injected, err := inject(injector, file, before)
	if err != nil {
		return fmt.Errorf("failed to inject PCP into %s: %w", file, err)
	}
	report.Marked(p.out, before, after)
	return report.Why(p.out, injected.Metadata.Annotations[mutate.AnnotationStatus])
}

// inject returns the text with PCP in the workloads that ask for it, and the template of the last.
func inject(injector *mutate.Injector, source string, text []byte) (after []byte, injected *mutate.Pod, err error) {
	documents, err := manifest.Parse(source, text)
	if err != nil {
		return nil, nil, err
	}
	for _, document := range documents {
		workloads, err := document.Workloads()
		if err != nil {
			return nil, nil, err
		}
		for n := range workloads {
			if injected, err = injectInto(document, &workloads[n], injector); err != nil {
				return nil, nil, err
			}
		}
	}
	if injected == nil {
		return nil, nil, errors.New("it has no workload")
	}
	after, err = manifest.Write(documents, "")
	return after, injected, err
}

// injectInto patches the workload's document, and returns the template as patched.
func injectInto(document *manifest.Document, w *manifest.Workload, injector *mutate.Injector) (*mutate.Pod, error) {
	var pod mutate.Pod
	if err := manifest.Decode(w.Template, &pod); err != nil {
		return nil, err
	}
	decision := injector.Decide(mutate.Request{Namespace: w.Namespace, Owner: &mutate.Owner{Kind: w.Kind, Name: w.Name}, Pod: &pod})
	if decision.Reason != mutate.ReasonInjected {
		return nil, fmt.Errorf("%s: %s: %s", w, decision.Reason, decision.Message)
	}
	var patch []operations.Operation
	for _, op := range decision.Patch {
		op.Path = w.Pointer + op.Path
		patch = append(patch, op)
	}
	if err := document.Patch(patch); err != nil {
		return nil, err
	}
	workloads, err := document.Workloads()
	if err != nil {
		return nil, err
	}
	var injected mutate.Pod
	for n := range workloads {
		if workloads[n].Pointer == w.Pointer {
			return &injected, json.Unmarshal(workloads[n].Template, &injected)
		}
	}
	return nil, fmt.Errorf("%s is gone", w)
}
