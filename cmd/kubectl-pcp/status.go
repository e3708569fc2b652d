package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/gate"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

const statusHelp = `List the pods that have PCP: where they run, whether PCP is ready, whether the pod is as it should be, and what PCP says of itself.

  READY      whether PCP's container is ready
  PCP        the version that runs
  STATE      as verify finds it: whether the pod still is what its template and the current configuration give
  SOURCES    how many OpenMetrics sources answered when PCP last fetched from them, of how many there are
  ARCHIVES   the size of pmlogger's archives, of all days

The version and the sources come from pmproxy through a port-forward, which needs the verb create on pods/portforward. The archives
are measured in PCP's container, which needs the verb create on pods/exec and, where the guard is installed, the verb exec on
injections.pcp.io. What you may not see is shown as ?, and the reason follows the list.

With -o wide it also shows nodes, restarts, ages and images, in one table for all namespaces.

Without --namespace, or with --all-namespaces, the namespaces of all targets are listed. With --watch, the list is shown again whenever more than the
archives' size has changed, until Ctrl-C. When the cluster no longer answers, it waits until the cluster does.

` + machinesHelp + `
  pods[]                one pod with PCP each:
    namespace           where the pod is
    pod                 its name
    node                where it runs: empty until that is known
    ready               whether PCP's container is ready: true or false
    restarts            how often PCP's container has restarted
    created             when the pod was created: a time of RFC 3339
    image               of PCP's container, as the pod names it
    state               "as it should be", "upgraded", "stale",
                        "by another release" or "tampered with"
    version             of PCP: absent where it is unknown
    sources[].name      of an OpenMetrics source
    sources[].result    reachable, unreachable, or untried: not yet fetched from
    sources[].problem   what PCP says of a source that is unreachable
    archives.files      how many files there are
    archives.bytes      their size in bytes
    archives.written    when the newest was last written: a time of RFC 3339
    unknown[]           why something is unknown, for people

sources and archives are absent where they are unknown. With --watch there is one object after the other.

Exit codes:
  0  the list was shown; or watched, until Ctrl-C
  1  the cluster cannot be reached, or what is watched may not be seen any longer
  2  wrong usage
` + interruptedCode

const statusExamples = `  # List all pods with PCP
  kubectl pcp status

  # Where do they run, and with which image?
  kubectl pcp status -o wide

  # Keep an eye on those of one namespace
  kubectl pcp status --namespace monitoring --watch

  # Which sources do not answer, and why?
  kubectl pcp status -o json | jq '.pods[].sources[]? | select(.result == "unreachable")'`

// noPods is printed if there is nothing to list.
const noPods = "No pods with PCP were found."

// wideFormat is for people with wide terminals.
const wideFormat = "wide"

func newStatus(streams genericiooptions.IOStreams) *cobra.Command {
	v := newClusterVerb(streams)
	v.formats = append(v.formats, wideFormat)
	var watch bool
	cmd := &cobra.Command{
		Use:     "status [flags]",
		Short:   "List the pods that have PCP",
		Long:    statusHelp,
		Example: statusExamples,
		Args:    noArguments("it lists all pods with PCP, or those of one --namespace"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return interruptibly(cmd, func(ctx context.Context) error { return v.status(ctx, watch) })
		},
	}
	v.addFlags(cmd)
	v.addAllNamespaces(cmd)
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "show the list again whenever it has changed")
	return cmd
}

func (v *clusterVerb) status(ctx context.Context, watch bool) error {
	done := v.progress("Asking PCP in all pods")
	defer done()
	reader, namespaces, err := v.namespaces(ctx)
	if err != nil {
		return err
	}
	read := func() ([]podStatus, error) { return v.list(ctx, reader, namespaces) }
	show := func(list []podStatus, again bool) error {
		done()
		return v.showStatus(list, again)
	}
	if watch {
		say := func(line string) { fmt.Fprintln(v.streams.ErrOut, line) }
		err = (&watcher{read, show, say}).watch(ctx)
	} else {
		err = showOnce(read, show)
	}
	if err != nil {
		return &verbError{exitInput, err}
	}
	return nil
}

func showOnce(read func() ([]podStatus, error), show func(list []podStatus, again bool) error) error {
	list, err := read()
	if err != nil {
		return err
	}
	return show(list, false)
}

func (v *clusterVerb) list(ctx context.Context, reader *snapshot.Reader, namespaces []string) ([]podStatus, error) {
	list := []podStatus{}
	for _, namespace := range namespaces {
		live, err := reader.ReadLive(ctx, namespace)
		if err != nil {
			return nil, err
		}
		for n := range live.Pods {
			line, err := statusOf(&live.Pods[n], live)
			if err != nil {
				return nil, err
			}
			list = append(list, *line)
		}
	}
	access, _, err := v.connect()
	if err != nil {
		return nil, err
	}
	askAll(ctx, access, reader, list)
	// After Ctrl-C, unanswered questions are unknown for that reason alone.
	return list, ctx.Err()
}

// showStatus shows the list. After the first time, an empty line comes before it.
func (v *clusterVerb) showStatus(list []podStatus, again bool) error {
	switch {
	case v.output != "" && v.output != wideFormat:
		return writeObject(v.streams.Out, v.output, listed{list})
	case len(list) == 0:
		fmt.Fprintln(v.streams.ErrOut, noPods)
		return nil
	case again:
		fmt.Fprintln(v.streams.Out)
	}
	if err := writeStatus(v.streams.Out, list, gate.Style{Color: isTerminal(v.streams.Out)}, time.Now(), v.output == wideFormat); err != nil {
		return fmt.Errorf("failed to write the list: %w", err)
	}
	return nil
}
