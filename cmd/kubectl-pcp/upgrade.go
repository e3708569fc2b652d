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

	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/pkg/config"
)

const upgradeHelp = `Run another image of PCP in a live pod, which is named itself or by its workload.

The kubelet restarts PCP's container alone: the pod's other containers run on, and pmlogger starts a new archive beside the others.
The next pod has the image of the configuration again, so change container.image there too. Archives of PCP 6 and 7 cannot be read in
one run of a tool: name the archives of one version, not their folder.

Where the guard is installed, this needs the verb upgrade on injections.pcp.io, which a rule of a Role grants:

  {apiGroups: [pcp.io], resources: [injections], verbs: [upgrade]}

Exit codes:
  0  PCP runs with the new image
  1  the cluster cannot be reached, the change was denied, or PCP did not become ready
  2  wrong usage
` + interruptedCode

const upgradeExamples = `  # Try a newer PCP without a restart of the application
  kubectl pcp upgrade node-monitor-5d4f8c7b9-x2x7k --namespace monitoring --image ghcr.io/performancecopilot/pcp:7.2.0

  # The one pod of a deployment
  kubectl pcp upgrade deployment/node-monitor -n monitoring --image ghcr.io/performancecopilot/pcp:7.2.0`

const defaultPatience = 5 * time.Minute

func newUpgrade(streams genericiooptions.IOStreams) *cobra.Command {
	v := newClusterVerb(streams)
	var image string
	var patience time.Duration
	cmd := &cobra.Command{
		Use:     "upgrade (POD | KIND/NAME) --image IMAGE [flags]",
		Short:   "Run another image of PCP in a live pod",
		Long:    upgradeHelp,
		Example: upgradeExamples,
		Args:    onePod,
		ValidArgsFunction: func(cmd *cobra.Command, _ []string, typed string) ([]string, cobra.ShellCompDirective) {
			return v.completeNames(cmd, snapshot.Named(config.KindPod), "", typed)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if image == "" {
				return errors.New("--image is required: the image of PCP to run")
			}
			if _, err := reference.ParseNormalizedNamed(image); err != nil {
				return fmt.Errorf("--image %q is no reference to an image: %w", image, err)
			}
			return interruptibly(cmd, func(ctx context.Context) error { return v.upgrade(ctx, args[0], image, patience) })
		},
	}
	v.addClusterFlags(cmd)
	cmd.Flags().StringVar(&image, "image", "", "`IMAGE` of PCP to run")
	cmd.Flags().DurationVar(&patience, "timeout", defaultPatience, "how long to wait for PCP to be ready; 0 to not wait")
	return cmd
}

// onePod is the argument.
func onePod(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return errors.New("name the pod, or its workload as KIND/NAME")
	}
	if _, _, err := snapshot.ParseArgument(args[0] + "/any"); len(args) > 1 && err != nil {
		return fmt.Errorf("one pod at a time: %s and %s are two", args[0], args[1])
	}
	return oneSubject(cmd, args)
}

// podNamed is the named pod, or the only pod with PCP of the named workload.
func (v *clusterVerb) podNamed(ctx context.Context, reader *snapshot.Reader, namespace, argument string) (string, error) {
	if !strings.Contains(argument, "/") {
		return argument, nil
	}
	kind, name, err := snapshot.ParseArgument(argument)
	if err != nil || kind.Kind == "Pod" {
		return name, err
	}
	subject, err := reader.FindSubject(ctx, kind, namespace, name)
	if err != nil {
		return "", &verbError{exitInput, notFound(ctx, reader, namespace, argument, err)}
	}
	pods, err := reader.PodsWithPCP(ctx, subject)
	switch {
	case err != nil:
		return "", &verbError{exitInput, err}
	case len(pods) == 0:
		return "", &verbError{exitInput, fmt.Errorf("%s has no pod with PCP: %s says why", argument, remedy.Explain.With(remedy.Object.Is(subject.Argument), remedy.InNamespace.Is(namespace)).Command())}
	case len(pods) > 1:
		return "", &verbError{exitInput, fmt.Errorf("%s has %d pods with PCP, name one: %s", argument, len(pods), strings.Join(pods, ", "))}
	}
	return pods[0], nil
}

func (v *clusterVerb) upgrade(ctx context.Context, argument, image string, patience time.Duration) error {
	reader, namespace, err := v.reader()
	if err != nil {
		return err
	}
	pod, err := v.podNamed(ctx, reader, namespace, argument)
	if err != nil {
		return err
	}
	before, err := reader.SetImage(ctx, namespace, pod, image)
	switch {
	case errors.Is(err, snapshot.ErrRunsAlready):
		fmt.Fprintf(v.streams.Out, "pod/%s: PCP's container already runs %s\n", pod, image)
		return nil
	case errors.Is(err, snapshot.ErrNoPCP):
		why := remedy.Explain.With(remedy.Object.Is("pod/"+pod), remedy.InNamespace.Is(namespace)).Command()
		return &verbError{exitInput, fmt.Errorf("pod/%s has no PCP: %s says why", pod, why)}
	case err != nil:
		return &verbError{exitInput, notFound(ctx, reader, namespace, "pod/"+pod, err)}
	}
	fmt.Fprintf(v.streams.Out, "pod/%s: PCP's container gets %s\n", pod, image)
	if patience == 0 {
		return nil
	}
	ctx, stop := context.WithTimeoutCause(ctx, patience, errors.New("waited "+patience.String()))
	defer stop()
	fmt.Fprintf(v.streams.ErrOut, "Waiting up to %s for PCP to be ready …\n", patience)
	if err := reader.AwaitImage(ctx, before); err != nil {
		return &verbError{exitInput, err}
	}
	fmt.Fprintf(v.streams.Out, "pod/%s: PCP is ready\n", pod)
	return nil
}
