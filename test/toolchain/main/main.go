// Command main downloads or compiles the development tools that are not there yet. Named tools: it prints the path of each, one
// a line. None named: it does so with all of them, and the last line it prints is the folder where all are found.
package main

import (
	"context"
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

func run(commands []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if len(commands) == 0 {
		folder, err := toolchain.All(ctx, os.Stderr)
		if err != nil {
			return err
		}
		fmt.Println(folder)
		return nil
	}
	paths, err := toolchain.Find(ctx, os.Stderr, commands...)
	if err != nil {
		return err
	}
	for _, command := range commands {
		fmt.Println(paths[command])
	}
	return nil
}
