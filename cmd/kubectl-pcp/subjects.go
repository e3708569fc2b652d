package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

var errNothingNamed = errors.New("name an object, as KIND/NAME, or manifests with -f FILE")

func addFilename(cmd *cobra.Command, files *[]string) {
	cmd.Flags().StringArrayVarP(files, "filename", "f", nil, "`FILE` or folder with manifests, or - for standard input; can be repeated")
}

// subjectCommand is a verb for an object in the cluster, or for those in manifests.
func (v *clusterVerb) subjectCommand(verb string, run func(ctx context.Context, args, files []string) error) *cobra.Command {
	var files []string
	cmd := &cobra.Command{
		Use:               verb + " (KIND/NAME | -f FILE) [flags]",
		Args:              oneSubject,
		ValidArgsFunction: v.completeSubjects,
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case len(args) == 0 && len(files) == 0:
				return errNothingNamed
			case len(args) > 0 && len(files) > 0:
				return fmt.Errorf("%s and -f %s: name an object of the cluster or manifests, not both", args[0], files[0])
			}
			return interruptibly(cmd, func(ctx context.Context) error { return run(ctx, args, files) })
		},
	}
	addFilename(cmd, &files)
	return cmd
}

// oneSubject also accepts kubectl's other way of naming an object.
func oneSubject(_ *cobra.Command, args []string) error {
	if len(args) == 2 && !strings.Contains(args[0]+args[1], "/") {
		return fmt.Errorf("write %s/%s, as one word", args[0], args[1])
	}
	if len(args) > 1 {
		return fmt.Errorf("one object at a time: %s and %s are two", args[0], args[1])
	}
	return nil
}

// noArguments refuses arguments that a verb does not use, and says what the user may have meant.
func noArguments(hint string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return fmt.Errorf("%s takes no argument such as %q: %s", cmd.Name(), args[0], hint)
		}
		return nil
	}
}

// subjects are what the command line names: an object in the cluster, or those in manifests.
func (v *clusterVerb) subjects(ctx context.Context, args, files []string) ([]*snapshot.Subject, *snapshot.Reader, error) {
	if len(args) == 0 {
		reader, namespace, err := v.reader()
		if err != nil {
			return nil, nil, err
		}
		subjects, err := v.subjectsIn(files, namespace)
		if err == nil {
			if err = reader.Reach(ctx); err != nil {
				err = &verbError{exitInput, err}
			}
		}
		return subjects, reader, err
	}
	kind, name, err := snapshot.ParseArgument(args[0])
	if err != nil {
		return nil, nil, err
	}
	reader, namespace, err := v.reader()
	if err != nil {
		return nil, nil, err
	}
	subject, err := reader.FindSubject(ctx, kind, namespace, name)
	if err != nil {
		return nil, nil, &verbError{exitInput, notFound(ctx, reader, namespace, args[0], err)}
	}
	return []*snapshot.Subject{subject}, reader, nil
}

// subjectsIn are the workloads in manifests.
func (v *clusterVerb) subjectsIn(files []string, namespace string) ([]*snapshot.Subject, error) {
	documents, err := readAll(files, v.streams)
	if err != nil {
		return nil, &verbError{exitInput, err}
	}
	var subjects []*snapshot.Subject
	for _, document := range documents {
		workloads, err := document.Workloads()
		if err != nil {
			return nil, &verbError{exitInput, err}
		}
		for n := range workloads {
			subject, err := snapshot.SubjectFrom(&workloads[n], document.File, namespace)
			if err != nil {
				return nil, &verbError{exitInput, err}
			}
			subjects = append(subjects, subject)
		}
	}
	if len(subjects) == 0 {
		return nil, &verbError{exitInput, errors.New("the manifests hold no workload")}
	}
	return subjects, nil
}
