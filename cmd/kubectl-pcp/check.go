package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/check"
	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

const checkHelp = `Check the installation: the injector, its target, and PCP in the pods.

Every check is one line: green, yellow for a warning or for what cannot be seen, or red. A line that is not green is followed by
what to do, and by the command that does it, as far as either is known. A check comes after those that it depends on. The last line has the order in which to
mend what is red: what replaces a running pod comes last, when its successor can be created.

  Injector  webhook, versions, replicas, PodDisruptionBudget, certificate and its issuers, caBundle, endpoints, the answer of the
            webhook to a pod in a dry run, configuration, and the guard's policies with their bindings
  Target    namespace, target, annotation, and whatever "kubectl pcp explain" says of it, such as claims and quotas; and who can connect to PCP
  Pods      every pod with PCP against what it should be, as "kubectl pcp verify" does
  PCP       in each of these pods: pmcd, its agents, OpenMetrics sources, whether archives grow, how full their volume is, and how
            many days of them fit. pmproxy is asked through a port-forward, which reaches it past every NetworkPolicy. The archives
            are measured by a command in PCP's container.

It changes nothing. It has your permissions: what you may not see is unknown, and a line names the right and the command that
grants it. Without --namespace, or with --all-namespaces, it checks the releases for all namespaces. Else it checks the release that looks after that
namespace, or that is installed in it.

` + preHelp + machinesHelp + `
  result                passed, warning, unknown or failed: the worst of all
` + reportsHelp + `
With --wait it checks again until nothing is left that may turn green by itself. It does not wait for what time cannot mend, such as
other versions and missing rights. When the time is up, it says so, shows the last list, and ends with its code. After
Ctrl-C it shows the last list, too.

Exit codes:
  0  all is green
  1  the cluster cannot be reached, or no release looks after the namespace
  2  wrong usage
  3  something is red
  4  nothing is red, but something is yellow
` + interruptedCode

const checkExamples = `  # Is everything in order?
  kubectl pcp check

  # May pcp-injector be installed here, with these values?
  kubectl pcp check --pre --values values.yaml

  # Only the cluster's side, which takes no port-forward
  kubectl pcp check --pcp=false

  # Only for the release that looks after one namespace
  kubectl pcp check --namespace monitoring

  # After an installation, in a script: wait for what is still to come
  kubectl pcp check --wait --timeout 5m

  # What is red, for machines
  kubectl pcp check -o json | jq '.reports[].gates[] | select(.result == "failed")'`

// checkPeriod is how long --wait pauses between two checks.
const checkPeriod = 2 * time.Second

type checkVerb struct {
	*clusterVerb
	preparation

	pcp     bool
	wait    bool
	timeout time.Duration
}

func newCheck(streams genericiooptions.IOStreams) *cobra.Command {
	v := &checkVerb{clusterVerb: newClusterVerb(streams)}
	cmd := &cobra.Command{
		Use:     "check [flags]",
		Short:   "Check the installation, and PCP in the pods",
		Long:    checkHelp,
		Example: checkExamples,
		Args:    noArguments("it checks all releases, or that of one --namespace"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if v.timeout <= 0 {
				return fmt.Errorf("--timeout %s: must be more than 0", v.timeout)
			}
			if err := v.validate(cmd); err != nil {
				return err
			}
			if v.pre {
				return interruptibly(cmd, v.checkBefore)
			}
			return interruptibly(cmd, func(ctx context.Context) error { return v.check(ctx) })
		},
	}
	v.clusterVerb.addFlags(cmd)
	v.addAllNamespaces(cmd)
	v.preparation.addFlags(cmd)
	cmd.Flags().BoolVar(&v.pcp, "pcp", true, "ask PCP in the pods, through port-forwards")
	cmd.Flags().BoolVar(&v.wait, "wait", false, "check again until nothing more can turn green by itself")
	cmd.Flags().DurationVar(&v.timeout, "timeout", 5*time.Minute, "how long --wait waits")
	return cmd
}

// check checks once, or until nothing is left that may turn green by itself.
func (v *checkVerb) check(ctx context.Context) error {
	reader, current, err := v.reader()
	if err != nil {
		return err
	}
	deadline, cancel := context.WithTimeoutCause(ctx, v.timeout, fmt.Errorf("timed out after %s", v.timeout))
	defer cancel()
	var reports []*gate.Report
	waitedFor := ""
	for {
		found, err := v.examine(ctx, reader, current)
		switch {
		case ctx.Err() != nil && reports != nil:
			return v.giveUp(deadline, reports, waitedFor)
		case err != nil:
			return &verbError{exitInput, err}
		}
		reports = found
		if names := strings.Join(check.Awaited(reports), ", "); !v.wait || names == "" {
			return v.checklist(reports)
		} else if names != waitedFor {
			waitedFor = names
			fmt.Fprintf(v.streams.ErrOut, "Waiting for: %s\n", waitedFor)
		}
		select {
		case <-deadline.Done():
			return v.giveUp(deadline, reports, waitedFor)
		case <-time.After(checkPeriod):
		}
	}
}

// giveUp shows the last list, and before it why there is no newer one.
func (v *checkVerb) giveUp(ctx context.Context, reports []*gate.Report, waitedFor string) error {
	unmet := "still waiting for: " + waitedFor
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		unmet = context.Cause(ctx).Error() + ", " + unmet
	}
	fmt.Fprintln(v.streams.ErrOut, capitalized(unmet))
	return v.checklist(reports)
}

func (v *checkVerb) examine(ctx context.Context, reader *snapshot.Reader, current string) ([]*gate.Report, error) {
	namespaces, err := v.lookedAfter(ctx, reader, current)
	if err != nil {
		return nil, err
	}
	var reports []*gate.Report
	for _, namespace := range namespaces {
		in, err := reader.ReadInstallation(ctx, namespace)
		if err != nil {
			return nil, err
		}
		if v.pcp {
			reader.ReadPCP(ctx, in)
		}
		found, err := check.Check(ctx, in, programVersion(), time.Now())
		if err != nil {
			return nil, err
		}
		reports = append(reports, found...)
	}
	return reports, ctx.Err()
}

// lookedAfter are the namespaces to check. If no release is known, it is the one that kubectl would use.
func (v *checkVerb) lookedAfter(ctx context.Context, reader *snapshot.Reader, current string) ([]string, error) {
	namespaces, releases, err := reader.Namespaces(ctx)
	if err != nil {
		return nil, err
	}
	if v.all || *v.flags.Namespace == "" {
		if len(namespaces) == 0 {
			namespaces = []string{current}
		}
		return namespaces, nil
	}
	if slices.Contains(namespaces, current) {
		return []string{current}, nil
	}
	if !reader.NamespaceExists(ctx, current) {
		return nil, noNamespace(ctx, reader, current)
	}
	if len(namespaces) == 0 {
		return []string{current}, nil
	}
	installed := slices.DeleteFunc(namespaces, func(namespace string) bool { return releases[namespace].Namespace != current })
	if len(installed) == 0 {
		return nil, fmt.Errorf("no release looks after namespace %s: %s", current, snapshot.Elsewhere(releases))
	}
	return installed, nil
}

func (v *checkVerb) checklist(reports []*gate.Report) error {
	if err := v.writeChecklist(reports); err != nil {
		return &verbError{exitInput, fmt.Errorf("failed to write the report: %w", err)}
	}
	return resultOf(reports)
}

func (v *checkVerb) writeChecklist(reports []*gate.Report) error {
	if v.output != "" {
		return writeObject(v.streams.Out, v.output, checked{gate.Worst(reports...), reported{reports}})
	}
	return gate.WriteChecklist(v.streams.Out, reports, styleOf(v.streams.Out))
}

// showsMarks reports whether the output is a terminal with UTF-8. Logs and old terminals get words.
func showsMarks(out io.Writer) bool {
	if !onTerminal(out) {
		return false
	}
	for _, variable := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if locale := os.Getenv(variable); locale != "" {
			locale = strings.ToLower(locale)
			return strings.Contains(locale, "utf-8") || strings.Contains(locale, "utf8")
		}
	}
	return false
}
