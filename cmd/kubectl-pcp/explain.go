package main

import (
	"context"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/explain"
	"github.com/performancecopilot/pcp-injector/internal/gate"
)

const explainHelp = `Explain why a pod, or the pods of a workload, get PCP or not.

explain checks every gate that a pod has to pass, in the order in which the cluster applies them: the webhook's configuration,
which it evaluates with the API server's own library, whether the webhook answers, the injector's decision under its live
configuration, policies, Pod Security, quotas and claims. Where the pod does not ask for PCP, the rest is judged as if it did. It
ends with the commands that fix the gates that failed, in an order in which they can be run one after the other: what replaces a
running pod comes last, when its successor can be created.

It changes nothing. It creates one pod in a dry run, to see whether the API server can reach the webhook. It has your
permissions: a gate that you may not look at is reported as unknown.

` + machinesHelp + `
` + reportsHelp + `
`

const explainExamples = `  # Why does this deployment have no PCP?
  kubectl pcp explain deployment/node-monitor --namespace monitoring

  # Why does this pod have none?
  kubectl pcp explain pod/node-monitor-5d4f8c7b9-x2x7k -n monitoring

  # Would it get PCP if it were applied?
  kubectl pcp explain -f node-monitor.yaml

  # Only the gates that failed
  kubectl pcp explain deploy/node-monitor -o json | jq '.reports[].gates[] | select(.result == "failed")'`

func newExplain(streams genericiooptions.IOStreams) *cobra.Command {
	v := newClusterVerb(streams)
	cmd := v.subjectCommand("explain", v.explain)
	cmd.Short, cmd.Long, cmd.Example = "Explain why a pod gets PCP or not", explainHelp+clusterExitCodes, explainExamples
	v.addFlags(cmd)
	return cmd
}

func (v *clusterVerb) explain(ctx context.Context, args, files []string) error {
	done := v.progress("Looking at every gate")
	defer done()
	subjects, reader, err := v.subjects(ctx, args, files)
	if err != nil {
		return err
	}
	var reports []*gate.Report
	for _, subject := range subjects {
		report, err := explain.Explain(ctx, reader.Read(ctx, subject))
		if err != nil {
			return &verbError{exitInput, err}
		}
		reports = append(reports, report)
	}
	done()
	return v.report(ctx, reports)
}
