package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const uninjectHelp = `Remove from the pod templates of manifests what inject or the webhook has added.

The annotation pcp.io/status lists what was added. Nothing else changes, and the annotation pcp.io/inject stays, because its author
wrote it. Documents without a status are written unchanged, byte for byte.

`

const uninjectExamples = `  # Remove PCP from a deployment in the cluster
  kubectl get deploy node-monitor -n monitoring -o yaml | kubectl pcp uninject -f - | kubectl replace -f -`

func newUninject(streams genericiooptions.IOStreams) *cobra.Command {
	r := rewriter{streams: streams}
	cmd := &cobra.Command{
		Use:     "uninject -f FILE [flags]",
		Short:   "Remove PCP from the pod templates of manifests",
		Long:    uninjectHelp + exitCodes,
		Example: uninjectExamples,
		Args:    noArguments("name the manifests with -f FILE"),
		RunE: func(*cobra.Command, []string) error {
			return r.rewrite(uninjection{})
		},
	}
	r.addFlags(cmd)
	return cmd
}

// uninjection removes PCP from pod templates.
type uninjection struct{}

func (uninjection) change(w *manifest.Workload) (*outcome, error) {
	if _, present := annotation(w.Template, mutate.AnnotationStatus); !present {
		return skipped("NotInjected", "its pod template has no annotation "+mutate.AnnotationStatus), nil
	}
	pod, err := decodePod(w.Template)
	if err != nil {
		return refused(w, "Unreadable", err), nil
	}
	patch, err := mutate.Uninject(pod)
	if err != nil {
		return refused(w, "Unreadable", err), nil
	}
	var status mutate.Status
	if err := json.Unmarshal([]byte(pod.Metadata.Annotations[mutate.AnnotationStatus]), &status); err != nil {
		return nil, fmt.Errorf("failed to decode the status: %w", err) // cannot happen: Uninject has read it
	}
	return &outcome{summary: "uninjected: " + describe(&status), patch: patch}, nil
}
