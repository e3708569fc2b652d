package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/distribution/reference"
	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

const upgradeHelp = `Run another image of PCP in a live pod.

The kubelet restarts PCP's container alone: the pod's other containers run on, and pmlogger starts a new archive beside the others.
The next pod has the image of the configuration again, so change container.image there too. Archives of PCP 6 and 7 cannot be read in
one run of a tool: name the archives of one version, not their folder.

Where the guard is installed, this needs the verb upgrade on injections.pcp.io, which a rule of a Role grants:

  {apiGroups: [pcp.io], resources: [injections], verbs: [upgrade]}

Exit codes:
  0  PCP runs with the new image
  1  the cluster cannot be asked, the change was denied, or PCP did not become ready
  2  wrong usage
`

const upgradeExamples = `  # Try a newer PCP without a restart of the application
  kubectl pcp upgrade node-monitor-5d4f8c7b9-x2x7k --namespace monitoring --image ghcr.io/performancecopilot/pcp:7.2.0`

const defaultPatience = 5 * time.Minute

func newUpgrade(streams genericiooptions.IOStreams) *cobra.Command {
	v := newClusterVerb(streams)
	var image string
	var patience time.Duration
	cmd := &cobra.Command{
		Use:     "upgrade POD --image IMAGE [flags]",
		Short:   "Run another image of PCP in a live pod",
		Long:    upgradeHelp,
		Example: upgradeExamples,
		Args:    cobra.ExactArgs(1),
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return v.completeNames(cmd, snapshot.Named(config.KindPod), "", typed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := reference.ParseNormalizedNamed(image); err != nil {
				return fmt.Errorf("--image %q is no reference to an image: %w", image, err)
			}
			ctx, stop := interruptible(cmd)
			defer stop()
			return v.upgrade(ctx, strings.TrimPrefix(args[0], "pod/"), image, patience)
		},
	}
	v.flags.AddFlags(cmd.Flags())
	cmd.Flags().StringVar(&image, "image", "", "`IMAGE` of PCP to run")
	cmd.Flags().DurationVar(&patience, "timeout", defaultPatience, "how long to wait for PCP to be ready; 0 to not wait")
	return cmd
}

func (v *clusterVerb) upgrade(ctx context.Context, pod, image string, patience time.Duration) error {
	reader, namespace, err := v.reader()
	if err != nil {
		return err
	}
	before, err := reader.SetImage(ctx, namespace, pod, image)
	if err != nil {
		return &verbError{exitInput, notFound(ctx, reader, namespace, "pod/"+pod, err)}
	}
	fmt.Fprintf(v.streams.Out, "pod/%s: PCP's container gets %s\n", pod, image)
	if patience == 0 {
		return nil
	}
	ctx, stop := context.WithTimeoutCause(ctx, patience, errors.New("waited "+patience.String()))
	defer stop()
	done := v.progress("Waiting for PCP to be ready")
	err = reader.AwaitImage(ctx, before)
	done()
	if err != nil {
		return &verbError{exitInput, err}
	}
	fmt.Fprintf(v.streams.Out, "pod/%s: PCP is ready\n", pod)
	return nil
}
