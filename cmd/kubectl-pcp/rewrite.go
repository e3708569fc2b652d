package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	operations "gomodules.xyz/jsonpatch/v2"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
)

// verb changes pod templates.
type verb interface {
	// change decides about one workload. An error is the program's own, not the author's.
	change(w *manifest.Workload) (*outcome, error)
}

// rewriter reads manifests, has a verb change their pod templates, and writes them.
type rewriter struct {
	streams genericiooptions.IOStreams
	files   []string
	output  string
}

func (r *rewriter) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringArrayVarP(&r.files, "filename", "f", nil, "`FILE` or folder with manifests, or - for standard input; can be repeated")
	cmd.Flags().StringVarP(&r.output, "output", "o", "", "convert all documents to this `FORMAT`: yaml or json (default: the format of the input)")
}

func (r *rewriter) rewrite(v verb) error {
	switch {
	case len(r.files) == 0:
		return errors.New("no manifests given: use -f FILE, or -f - for standard input")
	case count(r.files, stdin) > 1:
		return errors.New("standard input can be read only once: use -f - once")
	case r.output != "" && r.output != string(manifest.YAML) && r.output != string(manifest.JSON):
		return fmt.Errorf("unknown output format %q: must be yaml or json", r.output)
	}
	documents, err := readAll(r.files, r.streams)
	if err != nil {
		return &verbError{exitInput, err}
	}
	var done report
	var problems []error
	for _, document := range documents {
		if err := changeDocument(document, v, &done); err != nil {
			problems = append(problems, err)
		}
	}
	return r.finish(documents, &done, errors.Join(problems...))
}

// changeDocument patches all workloads of a document at once. It leaves the document alone if one was refused, because nothing will be
// written then.
func changeDocument(document *manifest.Document, v verb, done *report) error {
	workloads, err := document.Workloads()
	if err != nil {
		return err
	}
	var patch []operations.Operation
	for n := range workloads {
		result, err := v.change(&workloads[n])
		if err != nil {
			return fmt.Errorf("%s: %w", &workloads[n], err)
		}
		done.add(document, &workloads[n], result)
		for _, op := range result.patch {
			op.Path = workloads[n].Pointer + op.Path
			patch = append(patch, op)
		}
	}
	if len(patch) == 0 || len(done.refused) > 0 {
		return nil
	}
	return document.Patch(patch)
}

// finish writes all documents or none: kubectl apply must not get half of them through a pipe.
func (r *rewriter) finish(documents []*manifest.Document, done *report, err error) error {
	done.write(r.streams.ErrOut, err != nil || len(done.refused) > 0)
	switch {
	case err != nil:
		return &verbError{exitInput, err}
	case len(done.refused) > 0:
		return &verbError{exitRefused, errors.New("some pod templates were refused, so nothing was written")}
	}
	text, err := manifest.Write(documents, manifest.Format(r.output))
	if err != nil {
		return &verbError{exitInput, err}
	}
	if _, err := r.streams.Out.Write(text); err != nil {
		return &verbError{exitInput, fmt.Errorf("failed to write the manifests: %w", err)}
	}
	return nil
}
