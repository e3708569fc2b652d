package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/performancecopilot/pcp-injector/internal/manifest"
	"github.com/performancecopilot/pcp-injector/internal/preflight"
	"github.com/performancecopilot/pcp-injector/internal/snapshot"
)

const preHelp = `With --pre it checks the cluster before the installation of a release. Without --release, --namespace and --values, that is the release
pcp-injector in the namespace pcp-system, with the chart's own values. It creates objects in dry runs only:

  Installation  the version of Kubernetes, your rights to all that Helm installs by default, cert-manager, and other releases in the way
  Target        the namespace, its Pod Security, whether a dry run of the pod with PCP is refused by policies of others, by webhooks or
                quotas, and a StorageClass for the claims

`

// preparation is the part of check that comes before an installation.
type preparation struct {
	pre     bool
	release string
	values  string
}

func (p *preparation) addFlags(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.pre, "pre", false, "check the cluster before an installation")
	cmd.Flags().StringVar(&p.release, "release", "pcp-injector", "`NAME` of the release, with --pre")
	cmd.Flags().StringVar(&p.values, "values", "", "`FILE` with the values for Helm, with --pre")
	_ = cmd.RegisterFlagCompletionFunc("release", cobra.NoFileCompletions)
}

// validate refuses what has no meaning together.
func (p *preparation) validate(cmd *cobra.Command) error {
	changed := cmd.Flags().Changed
	for _, other := range []string{"wait", "timeout", "pcp", "all-namespaces"} {
		if p.pre && changed(other) {
			return fmt.Errorf("--%s is for an installation that is there, not for --pre", other)
		}
	}
	for _, other := range []string{"values", "release"} {
		if !p.pre && changed(other) {
			return fmt.Errorf("--%s is for the check before an installation: add --pre", other)
		}
	}
	return nil
}

func (v *checkVerb) checkBefore(ctx context.Context) error {
	plan, err := v.plan()
	if err != nil {
		return &verbError{exitInput, err}
	}
	reader, _, err := v.reader()
	if err != nil {
		return err
	}
	read, err := reader.ReadPreflight(ctx, &plan.Plan)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return &verbError{exitInput, err}
	}
	return v.checklist(preflight.Check(read, plan))
}

func (v *checkVerb) plan() (*preflight.Plan, error) {
	release := snapshot.Release{Name: v.release, Namespace: orElse(*v.flags.Namespace, "pcp-system")}
	var values []byte
	if v.values != "" {
		file, err := os.Open(v.values)
		if err != nil {
			return nil, fmt.Errorf("failed to read the values: %w", err)
		}
		defer file.Close()
		if values, err = io.ReadAll(io.LimitReader(file, manifest.MaxSize+1)); err != nil {
			return nil, fmt.Errorf("failed to read the values: %w", err)
		}
		if len(values) > manifest.MaxSize {
			return nil, errors.New(v.values + " is too large")
		}
	}
	return preflight.NewPlan(release, values, v.values, programVersion())
}
