// Command main downloads or compiles the development tools that are missing. With arguments, it prints the path of each named tool on a
// line. Without, it does so for all tools, and the last line is the folder that contains all of them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/performancecopilot/pcp-injector/test/toolchain"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "toolchain:", err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	flags := flag.NewFlagSet("toolchain", flag.ContinueOnError)
	kubernetes := flags.String("kubernetes", "", "the `version` of Kubernetes, as 1.30 or 1.30.14, whose control plane is wanted in a folder for KUBEBUILDER_ASSETS")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch commands := flags.Args(); {
	case *kubernetes != "" && len(commands) > 0:
		return fmt.Errorf("-kubernetes takes no names of tools, but there are: %v", commands)
	case *kubernetes != "":
		return printed(toolchain.Kubernetes(ctx, os.Stderr, *kubernetes))
	case len(commands) == 0:
		return printed(toolchain.All(ctx, os.Stderr))
	default:
		return find(ctx, commands)
	}
}

func printed(folder string, err error) error {
	if err == nil {
		fmt.Println(folder)
	}
	return err
}

func find(ctx context.Context, commands []string) error {
	paths, err := toolchain.Find(ctx, os.Stderr, commands...)
	if err != nil {
		return err
	}
	for _, command := range commands {
		fmt.Println(paths[command])
	}
	return nil
}
