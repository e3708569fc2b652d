package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/performancecopilot/pcp-injector/internal/snapshot"
	"github.com/performancecopilot/pcp-injector/internal/spelling"
)

// What does not exist may be misspelled. Where the user may list the names that exist, the error has the nearest.

// notFound says where the object was looked for, and which one or where the user may have meant.
func notFound(ctx context.Context, reader *snapshot.Reader, namespace, argument string, err error) error {
	switch {
	case !apierrors.IsNotFound(err):
		return err
	case !reader.NamespaceExists(ctx, namespace):
		return noNamespace(ctx, reader, namespace)
	}
	err = fmt.Errorf("%s does not exist in namespace %s", argument, namespace)
	if meant := nearestObject(ctx, reader, namespace, argument); meant != "" {
		return fmt.Errorf("%w: did you mean %s?", err, meant)
	}
	if namespaces, releases, listErr := reader.Namespaces(ctx); listErr == nil && len(namespaces) > 0 && !slices.Contains(namespaces, namespace) {
		err = fmt.Errorf("%w: %s", err, snapshot.Elsewhere(releases))
	}
	return err
}

// nearestObject is KIND/NAME of an object that exists; empty if none is near, or the user may not list them.
func nearestObject(ctx context.Context, reader *snapshot.Reader, namespace, argument string) string {
	kind, name, err := snapshot.ParseArgument(argument)
	if err != nil {
		return ""
	}
	names, err := reader.Names(ctx, kind, namespace)
	if err != nil {
		return ""
	}
	meant := spelling.Nearest(name, names)
	if meant == "" {
		return ""
	}
	return kind.Names[0] + "/" + meant
}

func noNamespace(ctx context.Context, reader *snapshot.Reader, name string) error {
	err := fmt.Errorf("namespace %q does not exist", name)
	names, listErr := reader.NamespaceNames(ctx)
	if meant := spelling.Nearest(name, names); listErr == nil && meant != "" {
		return fmt.Errorf("%w: did you mean --namespace %s?", err, meant)
	}
	return err
}

// flagError says in the plugin's words what is wrong with a flag.
func flagError(cmd *cobra.Command, err error) error {
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok {
		var known []string
		cmd.Flags().VisitAll(func(flag *pflag.Flag) { known = append(known, flag.Name) })
		if meant := spelling.Nearest(unknown.GetSpecifiedName(), known); meant != "" && unknown.GetSpecifiedShortnames() == "" {
			return fmt.Errorf("unknown flag --%s: did you mean --%s?", unknown.GetSpecifiedName(), meant)
		}
	}
	if missing, ok := errors.AsType[*pflag.ValueRequiredError](err); ok {
		flag := missing.GetFlag()
		_, usage := pflag.UnquoteUsage(flag)
		return fmt.Errorf("--%s needs a value: %s", flag.Name, usage)
	}
	if invalid, ok := errors.AsType[*pflag.InvalidValueError](err); ok {
		flag := invalid.GetFlag()
		return fmt.Errorf("--%s %s: must be %s", flag.Name, invalid.GetValue(), article(flag.Value.Type()))
	}
	return err
}

// article names a type of a flag's value.
func article(kind string) string {
	switch kind {
	case "bool":
		return "true or false"
	case "duration":
		return "a duration, such as 90s or 5m"
	}
	return "a value of the type " + strings.TrimSuffix(kind, "Array")
}
