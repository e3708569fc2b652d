package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/diff"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/cli-runtime/pkg/genericiooptions"
	kyaml "sigs.k8s.io/yaml"

	"github.com/performancecopilot/pcp-injector/internal/remedy"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/terminal"
	"github.com/performancecopilot/pcp-injector/pkg/mutate"
)

const rehearseHelp = `Have the API server create the pod of a workload in a dry run, and show what would be added to it.

The request takes the whole path: the API server, the webhook, policies, Pod Security and quotas. Nothing is created. The output
is the difference between the pod without PCP and the pod with PCP.

A controller creates the pods of a workload, and the injector accepts them from that controller only. You therefore need
permission to impersonate its service account, as administrators have. With --as, it is that user who needs it. Without that permission,
use explain.

Exit codes:
  0  the pod would get PCP
  1  the cluster cannot be reached, or the object does not exist
  2  wrong usage
  3  the pod would be refused, or get no PCP
` + interruptedCode

const rehearseExamples = `  # What would be added to the pod of this deployment?
  kubectl pcp rehearse deployment/node-monitor --namespace monitoring

  # What would be added to the pod of this manifest?
  kubectl pcp rehearse -f node-monitor.yaml`

func newRehearse(streams genericiooptions.IOStreams) *cobra.Command {
	v := newClusterVerb(streams)
	cmd := v.subjectCommand("rehearse", v.rehearse)
	cmd.Short, cmd.Long, cmd.Example = "Show what would be added to a pod, by a dry run", rehearseHelp, rehearseExamples
	v.addClusterFlags(cmd)
	return cmd
}

func (v *clusterVerb) rehearse(ctx context.Context, args, files []string) error {
	done := v.progress("Rehearsing")
	defer done()
	subjects, reader, err := v.subjects(ctx, args, files)
	if err != nil {
		return err
	}
	access, _, err := v.connect()
	if err != nil {
		return err
	}
	for _, subject := range subjects {
		rehearsal, err := reader.Rehearse(ctx, access, subject)
		if err != nil {
			return &verbError{exitRefused, fmt.Errorf("%s: %w; %s says what is in the way", subject.Argument, err, explainCommand(subject))}
		}
		done()
		if err := v.showDifference(subject, rehearsal); err != nil {
			return err
		}
	}
	return nil
}

func (v *clusterVerb) showDifference(subject *snapshot.Subject, rehearsal *snapshot.Rehearsal) error {
	status := snapshot.StatusIn(rehearsal.With.GetAnnotations())
	switch {
	case status == nil:
		return &verbError{exitRefused, fmt.Errorf("%s: the pod would get no PCP: %s says why", subject.Argument, explainCommand(subject))}
	case len(status.Added.Containers)+len(status.Added.InitContainers) == 0:
		return &verbError{exitRefused, fmt.Errorf("%s: the pod would get no PCP: %s: %s; %s says more", subject.Argument, terminal.Plain(string(status.Reason)), terminal.Plain(status.Message), explainCommand(subject))}
	}
	askAlike(rehearsal.Without, rehearsal.With)
	without, err := asText(rehearsal.Without)
	if err != nil {
		return err
	}
	with, err := asText(rehearsal.With)
	if err != nil {
		return err
	}
	color := isTerminal(v.streams.Out)
	for line := range strings.Lines(string(diff.Diff(subject.Argument+" without PCP", without, subject.Argument+" with PCP", with))) {
		fmt.Fprint(v.streams.Out, colorLine(terminal.Lines(line), color))
	}
	return nil
}

// explainCommand is the command to run next.
func explainCommand(subject *snapshot.Subject) string {
	here := remedy.InNamespace.Is(subject.Namespace)
	if subject.File != "" {
		return remedy.ExplainFile.With(remedy.File.Is(subject.File), here).Command()
	}
	return remedy.Explain.With(remedy.Object.Is(subject.Argument), here).Command()
}

// askAlike gives a pod the request of another one: that it was sent without PCP is no difference that anyone sees later.
func askAlike(pod, other *unstructured.Unstructured) {
	annotations := pod.GetAnnotations()
	annotations[mutate.AnnotationInject] = other.GetAnnotations()[mutate.AnnotationInject]
	pod.SetAnnotations(annotations)
}

// tokenVolume matches the name of the volume that the API server adds, which ends in random characters.
var tokenVolume = regexp.MustCompile(`\b(kube-api-access-)[a-z0-9]{5}\b`)

// asText omits what differs between any two pods.
func asText(pod *unstructured.Unstructured) ([]byte, error) {
	for _, field := range [][]string{{"metadata", "uid"}, {"metadata", "creationTimestamp"}, {"metadata", "managedFields"}, {"status"}} {
		unstructured.RemoveNestedField(pod.Object, field...)
	}
	text, err := kyaml.Marshal(pod.Object)
	if err != nil {
		return nil, &verbError{exitInput, fmt.Errorf("failed to encode the pod: %w", err)}
	}
	return tokenVolume.ReplaceAll(text, []byte("${1}xxxxx")), nil
}

// colorLine colors a line of a diff as git does.
func colorLine(line string, color bool) string {
	colors := map[byte]string{'+': "32", '-': "31", '@': "36"}
	if code, marked := colors[line[0]]; color && marked {
		return "\x1b[" + code + "m" + strings.TrimSuffix(line, "\n") + "\x1b[0m\n"
	}
	return line
}
