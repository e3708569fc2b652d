package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

const injectHelp = `Add the PCP container to the pod templates of manifests, as the webhook does to pods in the cluster.

A template asks for it with an annotation of its own, not of the workload around it:

  spec:
    template:
      metadata:
        annotations:
          pcp.io/inject: "true"

Supported kinds: Pod, Deployment, StatefulSet, DaemonSet, ReplicaSet, ReplicationController, Job, CronJob and PodTemplate,
and lists of them. All other documents, and those that do not ask, are written unchanged, byte for byte. In documents that
change, comments, order and layout stay as they are, and "kubectl pcp uninject" takes everything out again.

With --config, the webhook's own configuration file, only its target gets PCP. Without it, the defaults apply, and each
document that asks counts as the target.

Manifests go to standard output; what was done, with advice, goes to standard error. If one template is refused, the
problems of all documents are reported and nothing is written, so no manifest is applied partially.

`

const injectExamples = `  # Add PCP to a deployment in the cluster
  kubectl get deploy node-monitor -o yaml | kubectl pcp inject -f - | kubectl apply -f -

  # Add it to a file, as this configuration says
  kubectl pcp inject --config injector.yaml -f node-monitor.yaml > with-pcp.yaml

  # See what would be added
  kubectl pcp inject -f node-monitor.yaml | diff node-monitor.yaml -`

func newInject(streams genericiooptions.IOStreams) *cobra.Command {
	r := rewriter{streams: streams}
	var configFile, namespace string
	cmd := &cobra.Command{
		Use:     "inject -f FILE [--config FILE] [flags]",
		Short:   "Add PCP to the pod templates of manifests",
		Long:    injectHelp + exitCodes,
		Example: injectExamples,
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			injection, err := newInjection(configFile, namespace)
			if err != nil {
				return &verbError{exitInput, fmt.Errorf("failed to load the configuration: %w", err)}
			}
			return r.rewrite(injection)
		},
	}
	r.addFlags(cmd)
	cmd.Flags().StringVar(&configFile, "config", "", "`FILE` with the InjectorConfig of the webhook; its target alone gets PCP")
	cmd.Flags().StringVarP(&namespace, "namespace", "n", "", "`NAMESPACE` of documents that name none (default: the target's)")
	return cmd
}
