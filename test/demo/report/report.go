// Package report shows people what an injection adds, and why.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

// reasons say why each part is added, by its name in the status.
var reasons = []struct{ name, why string }{
	{"pcp", "Performance Co-Pilot: pmcd, pmlogger, pmproxy and pmie, privileged because they run under systemd; probes follow the services"},
	{"pcp-fix-ownership", "changes the owner of the volumes to PCP's user, for images that do not do it themselves"},
	{"pcp-pmlogger", "the archives: a claim, so they outlive the pod"},
	{"pcp-pmproxy", "pmproxy's data: a claim"},
	{"pcp-openmetrics", "OpenMetrics sources: the pod's own annotations and the administrator's ConfigMap, in one read-only folder"},
	{"pcp-pmlogconf", "makes pmlogger archive the OpenMetrics sources too, which it does not by default"},
	{"pcp-host", "the node's file system, read-only, for metrics of its processes, disks and file systems"},
	{"pcp.io/pmlogconf-openmetrics", "the file in pcp-pmlogconf, which is part of the pod"},
	{"pcp.io/status", "what was added, with which configuration; uninject uses it"},
	{"cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes", "lets Cluster Autoscaler evict the pod: the view of the node loses nothing"},
	{"pcp.io/injected", "the label that Services, NetworkPolicies and PodMonitors select"},
	{"/spec/hostname", "stays the same when the pod is replaced: pmlogger's archives are in a folder of that name"},
	{"/spec/hostNetwork", "network metrics are the node's"},
	{"/spec/dnsPolicy", "resolves names of the cluster even on the node's network"},
}

// Marked prints the text after an injection with a + before each line that is not in the text before it.
func Marked(out io.Writer, before, after []byte) {
	added := addedLines(diff.Diff("before", before, "after", after))
	number := 0
	for line := range strings.Lines(string(after)) {
		number++
		mark := ' '
		if added[number] {
			mark = '+'
		}
		fmt.Fprintf(out, "%c %s", mark, line)
	}
}

// addedLines are the numbers of the lines that a unified diff adds, counted from 1 in the new text.
func addedLines(unified []byte) map[int]bool {
	added := map[int]bool{}
	number := 0
	for line := range strings.Lines(string(unified)) {
		switch {
		case strings.HasPrefix(line, "@@"):
			_, position, _ := strings.Cut(line, "+")
			position, _, _ = strings.Cut(position, ",")
			number, _ = strconv.Atoi(position)
		case strings.HasPrefix(line, "+") && number > 0:
			added[number] = true
			number++
		case strings.HasPrefix(line, " "):
			number++
		}
	}
	return added
}

// Why prints the reason for each part that a status says was added, and the warnings.
func Why(out io.Writer, text string) error {
	var status mutate.Status
	if err := json.Unmarshal([]byte(text), &status); err != nil {
		return fmt.Errorf("failed to read the annotation %s: %w", mutate.AnnotationStatus, err)
	}
	fmt.Fprintf(out, "\nWhy (%s, configuration %s):\n\n", status.Reason, status.Config)
	added := slices.Concat(status.Added.Containers, status.Added.InitContainers, status.Added.Volumes, status.Added.Annotations, status.Added.Labels, status.Added.Fields)
	for _, reason := range reasons {
		if slices.Contains(added, reason.name) || status.Replaced[reason.name] != nil {
			fmt.Fprintf(out, "  %-30s %s\n", reason.name, reason.why)
		}
	}
	fmt.Fprintf(out, "\nWarnings:\n\n")
	for _, warning := range status.Warnings {
		fmt.Fprintf(out, "  %s\n", warning)
	}
	if len(status.Warnings) == 0 {
		fmt.Fprintln(out, "  none")
	}
	fmt.Fprintln(out)
	return nil
}
