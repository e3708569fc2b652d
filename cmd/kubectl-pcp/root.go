package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

// version of a release, set by the linker: -ldflags "-X main.version=v1.2.3".
var version string

const exitCodes = `Exit codes:
  0  success, even if nothing had to change
  1  invalid input, or a file that cannot be read or written
  2  wrong usage
  3  a pod template was refused, and nothing was written
`

// newRoot builds the command with all its verbs.
func newRoot(streams genericiooptions.IOStreams) *cobra.Command {
	root := &cobra.Command{
		Use:   "kubectl-pcp",
		Short: "Work with the Performance Co-Pilot sidecar in pods",
		Long: `Work with the Performance Co-Pilot (PCP) sidecar in pods.

pcp-injector adds a PCP container to the one node-monitor pod that its administrator designates.`,
		Version:       currentVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
		// kubectl runs this program as "kubectl pcp", and so the help calls it.
		Annotations: map[string]string{cobra.CommandDisplayNameAnnotation: "kubectl pcp"},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetIn(streams.In)
	root.SetOut(streams.Out)
	root.SetErr(streams.ErrOut)
	root.AddCommand(
		newInject(streams), newUninject(streams),
		newCheck(streams), newExplain(streams), newRehearse(streams), newStatus(streams), newUpgrade(streams), newVerify(streams),
	)
	return root
}

// currentVersion prefers the linker's version over the module's, which `go install` records.
func currentVersion() string {
	return fmt.Sprintf("kubectl-pcp %s (%s)", programVersion(), runtime.Version())
}

func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	switch {
	case version != "":
		return version
	case ok && info.Main.Version != "":
		return info.Main.Version
	default:
		return "(devel)"
	}
}
