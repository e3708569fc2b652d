package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/pkg/config"
)

var injectHelp = `Add the PCP container to the pod templates of manifests, as the webhook does to pods in the cluster.

A pod template asks for it with an annotation. An annotation on the workload itself has no effect:

  spec:
    template:
      metadata:
        annotations:
          pcp.io/inject: "true"

Supported kinds: ` + config.KindNames() + `,
PodTemplate, and lists of them. All other documents, and those that do not ask, are written unchanged, byte for byte. In documents that
change, comments, order and layout stay the same. "kubectl pcp uninject" removes everything again. What a YAML alias or merge key repeats
is written out where it changes, with an anchor such as &pcp-copy-of-labels, by which uninject finds it.

With --config, which takes the webhook's configuration file, only its target gets PCP. Without it, the defaults apply, and
every document that asks counts as the target.

A workload that means to ask and gets no PCP is skipped, and the report says why: its annotation is misspelled or on the workload itself,
its kind is not supported, or it is not the target. With --strict, it is refused instead, as a pipeline wants it.

The manifests go to standard output, and a report with warnings goes to standard error. If a template is refused, the command
reports the problems of all documents and writes nothing, so no manifest is applied partially.

`

const injectExamples = `  # Add PCP to a deployment in the cluster
  kubectl get deploy node-monitor -n monitoring -o yaml | kubectl pcp inject -f - | kubectl apply -f -

  # Add PCP to a file, with the configuration of the webhook
  kubectl pcp inject --config injector.yaml -f node-monitor.yaml > with-pcp.yaml

  # See what would be added
  kubectl pcp inject -f node-monitor.yaml | diff node-monitor.yaml -`

func newInject(streams genericiooptions.IOStreams) *cobra.Command {
	r := rewriter{streams: streams}
	var configFile, namespace string
	var strict bool
	cmd := &cobra.Command{
		Use:     "inject -f FILE [--config FILE] [flags]",
		Short:   "Add PCP to the pod templates of manifests",
		Long:    injectHelp + exitCodes,
		Example: injectExamples,
		Args:    noArguments("name the manifests with -f FILE"),
		RunE: func(*cobra.Command, []string) error {
			injection, err := newInjection(configFile, namespace)
			if err != nil {
				return &verbError{exitInput, fmt.Errorf("failed to load the configuration: %w", err)}
			}
			injection.strict = strict
			return r.rewrite(injection)
		},
	}
	r.addFlags(cmd)
	cmd.Flags().StringVar(&configFile, "config", "", "`FILE` with the InjectorConfig of the webhook; only its target gets PCP")
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "`NAMESPACE` of documents without one (default: the target's)")
	cmd.Flags().BoolVar(&strict, "strict", false, "refuse a workload that means to ask for PCP and would get none")
	return cmd
}
