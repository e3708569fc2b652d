package main

import (
	"context"
	"fmt"
	"slices"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/verify"
)

const verifyHelp = `Compare every live pod that has PCP with what it should be.

An injection is deterministic. So verify derives PCP's container, volumes, annotations and label again from the pod's template
and the live configuration, and compares them with the pod, field by field. A pod is as it should be, or one of these:

  tampered with       it differs from what the injector made
  stale               it was made with another configuration than the one in force
  by another release  another release made it, and this one would make it differently
  upgraded            another image runs in PCP's container, and nothing else differs; a warning, if the image's tag moves

The remedy follows from what would become of the next pod: a restart gives it the configuration in force, unless the manifest itself
has PCP, or the workload is not the target.

Without --namespace, or with --all-namespaces, it looks at the namespaces of all targets.

` + machinesHelp + `
` + reportsHelp + `
There is a report for each namespace. Its gates are pods, and their names those of the pods.

`

const verifyExamples = `  # Compare all pods with PCP
  kubectl pcp verify -A

  # Only those of one namespace, for machines
  kubectl pcp verify --namespace monitoring -o json`

func newVerify(streams genericiooptions.IOStreams) *cobra.Command {
	v := newClusterVerb(streams)
	cmd := &cobra.Command{
		Use:     "verify [flags]",
		Short:   "Compare live pods that have PCP with what they should be",
		Long:    verifyHelp + clusterExitCodes,
		Example: verifyExamples,
		Args:    noArguments("it compares all pods with PCP, or those of one --namespace"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return interruptibly(cmd, func(ctx context.Context) error { return v.verify(ctx) })
		},
	}
	v.addFlags(cmd)
	v.addAllNamespaces(cmd)
	return cmd
}

func (v *clusterVerb) verify(ctx context.Context) error {
	done := v.progress("Comparing all pods")
	defer done()
	reader, namespaces, err := v.namespaces(ctx)
	if err != nil {
		return err
	}
	var reports []*gate.Report
	for _, namespace := range namespaces {
		live, err := reader.ReadLive(ctx, namespace)
		if err != nil {
			return &verbError{exitInput, err}
		}
		report, err := verify.Report(live, programVersion())
		if err != nil {
			return &verbError{exitInput, err}
		}
		reports = append(reports, report)
	}
	done()
	if v.output == "" && !slices.ContainsFunc(reports, func(report *gate.Report) bool { return len(report.Gates) > 0 }) {
		fmt.Fprintln(v.streams.ErrOut, noPods)
		return nil
	}
	return v.report(ctx, reports)
}

// namespaces are the named one, or those of all targets.
func (v *clusterVerb) namespaces(ctx context.Context) (*snapshot.Reader, []string, error) {
	reader, namespace, err := v.reader()
	if err != nil {
		return nil, nil, err
	}
	if !v.all && *v.flags.Namespace != "" {
		if !reader.NamespaceExists(ctx, namespace) {
			return nil, nil, &verbError{exitInput, noNamespace(ctx, reader, namespace)}
		}
		return reader, []string{namespace}, nil
	}
	namespaces, err := reader.Targets(ctx)
	if err != nil {
		return nil, nil, &verbError{exitInput, err}
	}
	return reader, namespaces, nil
}
